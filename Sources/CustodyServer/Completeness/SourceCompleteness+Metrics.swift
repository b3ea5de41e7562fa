import Identity
import Intake

extension SourceCompleteness {
    /// Sources that have samples of their own; those beyond, by name, are in the sums alone.
    static let maximumSampled = 1_000

    /// How complete the sources are: sums, then each source.
    func samples(of sources: [Source]) -> [ServerMetrics.Sample] {
        let figures = allFigures
        let refusals = allRefusals
        var samples: [ServerMetrics.Sample] = [
            .init(
                .gauge, "custody_sources_quiet", "Sources that sent nothing for longer than expected.",
                Double(figures.values.count { $0.isQuiet })),
            .init(
                .counter, "custody_source_gaps_total", "Gaps found in the numbers of sources.",
                Double(figures.values.reduce(0) { $0 + $1.gaps })),
            .init(
                .gauge, "custody_source_missing", "Numbers that are missing now in the sequences of sources.",
                Double(figures.values.reduce(0) { $0 &+ $1.missingNow })),
        ]
        let shown = sources.prefix(Self.maximumSampled).map(\.name)
        func each(
            _ kind: ServerMetrics.Sample.Kind, _ name: String, _ help: String, _ value: (String) -> Double?
        ) {
            for source in shown {
                guard let value = value(source) else { continue }
                samples.append(.init(kind, name, help, value, labels: [("source", source)]))
            }
        }
        each(.counter, "custody_source_events_total", "Events of a source.") { figures[$0].map { Double($0.events) } }
        each(.gauge, "custody_source_last_timestamp_seconds", "When the last event of a source came.") {
            figures[$0]?.last.map { Double($0 / 1_000_000_000) }
        }
        each(.gauge, "custody_source_quiet", "1 while a source is quiet for longer than expected.") {
            figures[$0].map { $0.isQuiet ? 1 : 0 }
        }
        each(.counter, "custody_source_late_total", "Events received more than five minutes after they happened.") {
            figures[$0].map { Double($0.late) }
        }
        each(.counter, "custody_source_ahead_total", "Events received more than five minutes before they happened.") {
            figures[$0].map { Double($0.ahead) }
        }
        each(.counter, "custody_source_duplicates_total", "Events of a source answered with an original.") {
            refusals[$0].map { Double($0.duplicates) }
        }
        each(.counter, "custody_source_rejected_total", "Entries of a source in the quarantine.") {
            refusals[$0].map { Double($0.rejected) }
        }
        each(.counter, "custody_source_refused_total", "Deliveries to a source that were refused.") {
            refusals[$0].map { Double($0.refused) }
        }
        return samples
    }
}
