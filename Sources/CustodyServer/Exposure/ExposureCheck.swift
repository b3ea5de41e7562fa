import AccessControl
import Detection
import EventModel
import EventStore
import QueryLanguage

/// Asks the store whether the events show a known incident. Everything goes through queries that the asking principal may run,
/// so the answer is about what that principal may see.
struct ExposureCheck: Sendable {
    /// Events of evidence of one indicator; more are counted.
    static let evidence = 20

    let pack: IncidentPack
    let store: any EventSearching
    let principal: Principal
    let now: @Sendable () -> Timestamp
    /// Whether nobody waits for it.
    var isInBackground = false

    /// Checks one incident, or all of them, one after the other: the check is one user of the store among others.
    ///
    /// - Parameter progress: Told after each incident what there is until then, and how many incidents there are.
    /// - Throws: ``AccessError`` when the principal may not search, `CancellationError`. What keeps a single incident from being
    ///   decided is its reason.
    func run(
        only id: String? = nil, progress: (ExposureReport, Int) -> Void = { _, _ in }
    ) async throws -> ExposureReport {
        let start = ContinuousClock.now
        let moment = now()
        var report = ExposureReport(packDigest: pack.digest, checked: moment)
        var coverage = CoverageReader(check: self, now: moment)
        let wanted = pack.incidents.filter { id == nil || $0.id == id }
        for incident in wanted {
            defer { progress(report, wanted.count) }
            do {
                report.entries.append(try await entry(incident, &coverage, moment))
            } catch let error as EventStoreError {
                report.entries.append(
                    .init(
                        incident: incident, answer: .cannotTell,
                        reason: "the search did not come to an end: \(error.reason)"))
            } catch let error as AccessError where error.code == .hiddenField {
                report.entries.append(
                    .init(incident: incident, answer: .cannotTell, reason: "you may not see it: \(error.reason)"))
            }
        }
        let took = ContinuousClock.now - start
        report.nanoseconds = took.components.seconds * 1_000_000_000 + took.components.attoseconds / 1_000_000_000
        return report
    }

    private func entry(
        _ incident: KnownIncident, _ coverage: inout CoverageReader, _ moment: Timestamp
    ) async throws -> ExposureReport.Entry {
        var entry = ExposureReport.Entry(incident: incident, answer: .cannotTell, reason: "")
        for indicator in incident.indicators {
            let (finding, evidence) = try await find(indicator, of: incident, moment)
            entry.findings.append(finding)
            entry.evidence += evidence
        }
        entry.evidence.sort { ($0.weight == .proof ? 0 : 1, $0.index) < ($1.weight == .proof ? 0 : 1, $1.index) }
        var names: [String] = []
        for name in incident.indicators.flatMap(\.channels) where !names.contains(name) { names.append(name) }
        for channel in names.compactMap({ pack.channels[$0] }) {
            entry.coverage.append(try await coverage.coverage(of: channel, in: incident.exposure))
        }
        (entry.answer, entry.reason) = Self.judgement(entry)
        return entry
    }

    private func find(
        _ indicator: IncidentIndicator, of incident: KnownIncident, _ moment: Timestamp
    ) async throws -> (ExposureReport.Finding, [ExposureReport.Evidence]) {
        let until = indicator.period == .exposure ? incident.exposure.until : nil
        let refusals = "outcome:(denied OR failure)"
        let had = indicator.ignoresRefused ? "\(indicator.filter) -\(refusals)" : indicator.filter
        let result = try await search(
            had, since: incident.exposure.from, until: until, moment,
            SearchOptions(limit: Self.evidence, order: .oldestFirst))
        var refused = 0
        if indicator.ignoresRefused {
            refused = try await search(
                "\(indicator.filter) \(refusals)", since: incident.exposure.from, until: until, moment,
                SearchOptions(limit: 1)
            ).statistics.matched
        }
        let finding = ExposureReport.Finding(
            indicator: indicator, matched: result.statistics.matched, isExact: result.statistics.exact, refused: refused
        )
        let evidence = result.events.map {
            ExposureReport.Evidence(
                index: $0.index.rawValue, indicator: indicator.title, weight: indicator.weight, event: $0.json)
        }
        return (finding, evidence)
    }

    func search(
        _ text: String, since: Timestamp?, until: Timestamp?, _ moment: Timestamp, _ options: SearchOptions
    ) async throws -> QueryResult {
        try Task.checkCancellation()
        let authorized = try Authorizer.authorize(
            try Query(parsing: text, now: moment), since: since, until: until, for: principal, now: moment)
        var options = options
        options.isInBackground = isInBackground
        return try await store.search(authorized, options)
    }
}

extension ExposureCheck {
    /// What the findings and what was covered come to.
    static func judgement(_ entry: ExposureReport.Entry) -> (ExposureReport.Answer, String) {
        func matched(_ weight: IncidentIndicator.Weight) -> String? {
            let found = entry.findings.filter { $0.indicator.weight == weight && $0.matched > 0 }
            guard !found.isEmpty else { return nil }
            let count = found.reduce(0) { $0 + $1.matched }
            let prefix = found.allSatisfy(\.isExact) ? "" : "at least "
            var titles: [String] = []
            for title in found.map(\.indicator.title) where !titles.contains(title) { titles.append(title) }
            return "\(prefix)\(count) \(count == 1 ? "event" : "events"): \(titles.joined(separator: "; "))"
        }
        if let proofs = matched(.proof) { return (.yes, proofs) }
        if let hints = matched(.hint) { return (.cannotTell, "somebody has to look at \(hints)") }
        let conclusive = entry.coverage.filter(\.channel.isConclusive)
        let refused = entry.findings.reduce(0) { $0 + $1.refused }
        let attempts = refused == 0 ? "" : "; \(refused) attempts were refused"
        if let partial = entry.incident.partial {
            return (.cannotTell, "nothing was found, but not everything is known to look for: \(partial)\(attempts)")
        }
        if let whole = conclusive.first(where: \.isWhole) {
            let names = whole.sources.map(\.name).joined(separator: ", ")
            return (.no, "nothing in \(whole.channel.title) (\(names)), which cover the whole time\(attempts)")
        }
        return (.cannotTell, gap(conclusive, entry) + attempts)
    }

    /// Why nothing found is no answer.
    private static func gap(_ conclusive: [ChannelCoverage], _ entry: ExposureReport.Entry) -> String {
        let window = entry.incident.exposure
        let time = "between \(window.from.text) and \(window.until.text)"
        if let partly = conclusive.first(where: { !$0.isEmpty }) {
            let gaps = partly.gaps.prefix(3).map { "\($0.from.text) to \($0.until.text)" }.joined(separator: ", ")
            guard !gaps.isEmpty else {
                return "a source of \(partly.channel.title) put on record that events are missing, perhaps of that time"
            }
            return "\(partly.channel.title) have nothing from \(gaps)"
        }
        if let channel = conclusive.first?.channel {
            return "there are no events \(time) of \(channel.title); connect one of: "
                + channel.connect.joined(separator: ", ")
        }
        let titles = entry.coverage.filter { !$0.isEmpty }.map(\.channel.title)
        guard !titles.isEmpty else { return "no source that could have shown it has events \(time)" }
        return "nothing was found in \(titles.joined(separator: ", nor in ")), but they need not show it"
    }
}
