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

    /// The matches in the order of the events, those of one event in the order of the rules.
    ///
    /// With the log source heeded, each event is what its connector makes of it, as on the server. Without, a rule written
    /// for somebody else's log sees the payload alone: canonical fields that a connector read into it could make it match
    /// what it does not say. Rules that are about canonical fields still see them.
    func match(_ events: UnsafeRawBufferPointer) -> Result {
        let sealing = EventSealing(received: received)
        guard ignoresLogSource else {
            return result(of: [match(events, rules, sealing)])
        }
        let canonical = rules.filter(Self.isAboutCanonicalFields)
        let foreign = rules.filter { !Self.isAboutCanonicalFields($0) }
        var results: [EventFileMatcher.Result] = []
        if !canonical.rules.isEmpty { results.append(match(events, canonical, sealing)) }
        if !foreign.rules.isEmpty || canonical.rules.isEmpty { results.append(match(events, foreign, nil)) }
        return result(of: results)
    }

    private func match(
        _ events: UnsafeRawBufferPointer, _ rules: RuleSet, _ sealing: EventSealing?
    ) -> EventFileMatcher.Result {
        EventFileMatcher(rules).match(
            events, ignoreLogsource: ignoresLogSource,
            seal: sealing.map { sealing in { line, _ in try sealing.seal(line) } })
    }

    private func result(of results: [EventFileMatcher.Result]) -> Result {
        var merged = Result(events: results.first?.events ?? 0)
        var places: [String: Int] = [:]
        for (place, rule) in rules.rules.enumerated() where places[rule.key] == nil { places[rule.key] = place }
        merged.matches = results.flatMap(\.matches).sorted {
            ($0.position, places[$0.rule] ?? 0) < ($1.position, places[$1.rule] ?? 0)
        }
        for line in results.flatMap(\.unreadable)
        where !merged.unreadable.contains(where: { $0.position == line.position }) {
            merged.unreadable.append(line)
        }
        return merged
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
