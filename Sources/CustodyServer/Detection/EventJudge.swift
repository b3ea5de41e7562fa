import Detection
import EventModel
import EventStore

/// Puts sealed events before the rules, one after another, and keeps what matched.
struct EventJudge {
    private let engine: DetectionEngine
    private let parser = JSONParser()
    private var matches: [RuleMatch] = []

    init(_ engine: DetectionEngine) { self.engine = engine }

    var hasMatches: Bool { !matches.isEmpty }

    /// What has matched since the last call.
    mutating func takeMatches() -> [RuleMatch] {
        defer { matches.removeAll(keepingCapacity: true) }
        return matches
    }

    /// Tells operators how late it is when no events come.
    mutating func advance(to time: Timestamp, next: LeafIndex) { engine.advance(to: time, next: next, into: &matches) }

    /// Whether any rule has a memory.
    var hasState: Bool { engine.hasState }

    /// Lets operators forget the values of events whose groups were destroyed.
    func forgetValues(of leaves: LeafRanges) { engine.forgetValues(of: leaves) }

    /// The state of operators.
    func checkpoint(next: LeafIndex) -> DetectionCheckpoint { engine.checkpoint(next: next) }

    mutating func judge(_ view: SealedView, _ index: LeafIndex, isDocument: Bool = false) {
        guard let payload = view.payload, payload.first == UInt8(ascii: "{") else {
            return engine.evaluate(view, payload: nil, index: index, into: &matches)
        }
        do {
            try parser.withDocument(payload, isChecked: isDocument) {
                engine.evaluate(view, payload: $0, index: index, into: &matches)
            }
        } catch {
            // Not JSON that Custody accepts: canonical fields are judged all the same.
            engine.evaluate(view, payload: nil, index: index, into: &matches)
        }
    }
}
