import Connectors
import Detection
import EventModel

/// Matches rules against the lines of a file.
struct RuleMatching {
    struct Result {
        var matches: [EventFileMatcher.Match] = []
        var unreadable: [(position: Int, reason: String)] = []
        var events = 0
    }

    let rules: RuleSet
    let ignoresLogSource: Bool
    /// What an event's time falls back to.
    let received: Timestamp

    /// The matches of single events in the order of the events, those of one event in the order of the rules; then what
    /// correlations and baselines found, in the order of its time.
    ///
    /// With the log source heeded, each event is what its connector makes of it, as on the server. Without, a rule written
    /// for somebody else's log sees the payload alone: canonical fields that a connector read into it could make it match
    /// what it does not say. Rules that are about canonical fields still see them.
    func match(_ events: UnsafeRawBufferPointer) -> Result {
        let sealing = EventSealing(received: received)
        let visible = ignoresLogSource ? rules.showingPayloadOnly { !Self.isAboutCanonicalFields($0) } : rules
        let found = EventFileMatcher(visible).match(events, ignoreLogsource: ignoresLogSource) { line, _ in
            do {
                return try sealing.seal(line)
            } catch {
                // What no connector takes is still a payload.
                guard ignoresLogSource else { throw error }
                return nil
            }
        }
        var places: [String: Int] = [:]
        for (place, rule) in rules.rules.enumerated() where places[rule.key] == nil { places[rule.key] = place }
        let place = { (match: EventFileMatcher.Match) in places[match.rule] ?? 0 }
        let single = found.matches.filter { $0.finding == nil }
            .sorted { ($0.position, place($0)) < ($1.position, place($1)) }
        let findings = found.matches.filter { $0.finding != nil }.sorted { left, right in
            let (one, other) = (left.finding?.time.rawValue ?? 0, right.finding?.time.rawValue ?? 0)
            return (one, left.position, place(left)) < (other, right.position, place(right))
        }
        return Result(matches: single + findings, unreadable: found.unreadable, events: found.events)
    }

    private static func isAboutCanonicalFields(_ rule: SigmaRule) -> Bool {
        rule.logSource.category == "supply_chain" || rule.logSource.product == "custody"
            || rule.extensions.sources != nil
    }
}

/// Gives an event of a file its canonical fields and its kind of source, as its connector would.
struct EventSealing {
    private let reader = DeliveryReader()
    let received: Timestamp

    init(received: Timestamp) { self.received = received }

    /// The sealed form of the first event of a line.
    func seal(_ line: UnsafeRawBufferPointer) throws -> [UInt8]? {
        var sealed: [UInt8] = []
        try reader.read(
            line, headers: DeliveryHeaders(), connector: nil,
            onEvent: { record, event in
                guard sealed.isEmpty else { return }
                record.set(.received, time: received)
                SealedForm.append(&record, payload: event.payload, to: &sealed)
            }, onRefusal: { throw $0.error })
        return sealed.isEmpty ? nil : sealed
    }
}
