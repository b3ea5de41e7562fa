import EventModel
import Identity
import Intake

/// How complete a source is, as it is shown.
struct CompletenessReport: Sendable {
    enum Condition: String, Sendable {
        case disabled, waiting, quiet, gaps, ok
    }

    /// Sequences and holes that are shown; the rest is counted.
    static let shown = 20

    let source: Source
    let expected: SourceCompleteness.Expected?
    let figures: SourceTally
    let refusals: SourceCompleteness.Refusals
    let now: Timestamp

    init(_ source: Source, _ state: ServerState) {
        self.source = source
        expected = state.completeness.expected(of: source.name)
        figures = state.completeness.figures(of: source.name) ?? SourceTally()
        refusals = state.completeness.refusals(of: source.name)
        now = state.now()
    }

    /// The worst that is to be said.
    var condition: Condition {
        if !source.isEnabled { return .disabled }
        if figures.isQuiet { return .quiet }
        if figures.sequences.values.contains(where: { $0.holes.contains(where: \.isTold) }) { return .gaps }
        return figures.events == 0 ? .waiting : .ok
    }

    func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("condition", condition.rawValue)
            if let expectations = expected?.expectations {
                json.member("expected") { Self.write(expectations, to: &$0) }
            }
            json.member("events", figures.events)
            json.member("first", figures.first.map { Timestamp(rawValue: $0).text })
            json.member("last", figures.last.map { Timestamp(rawValue: $0).text })
            json.member("quiet_since", figures.quiet.map { Timestamp(rawValue: $0).text })
            json.member("duplicates", refusals.duplicates)
            json.member("rejected", refusals.rejected)
            json.member("refused", refusals.refused)
            json.member("late", figures.late)
            json.member("ahead", figures.ahead)
            guard expected?.expectations.sequence != nil else { return }
            json.member("gaps", figures.gaps)
            json.member("missing", Int64(clamping: figures.missingNow))
            json.member("unnumbered", figures.unnumbered)
            json.member("sequences") { json in
                json.array { json in
                    // Those with holes first.
                    let all = figures.sequences.sorted {
                        ($1.value.missing, $0.key) < ($0.value.missing, $1.key)
                    }
                    for (partition, sequence) in all.prefix(Self.shown) { Self.write(sequence, partition, to: &json) }
                }
            }
        }
    }

    private static func write(_ expectations: SourceExpectations, to json: inout JSONWriter) {
        json.object { json in
            json.member("every_seconds", expectations.everySeconds)
            json.member("quiet_hours", expectations.quietHours?.text)
            json.member("sequence", expectations.sequence?.field.text)
            json.member("partition", expectations.sequence?.partition?.text)
            json.member("grace_seconds", expectations.sequence?.graceSeconds)
        }
    }

    private static func write(_ sequence: SequenceTracker, _ partition: String, to json: inout JSONWriter) {
        json.object { json in
            if !partition.isEmpty { json.member("partition", partition) }
            json.member("next", sequence.next)
            json.member("missing", Int64(clamping: sequence.missing))
            json.member("holes") { json in
                json.array { json in
                    for hole in sequence.holes.prefix(shown) {
                        json.object { json in
                            json.member("first", hole.first)
                            json.member("last", hole.last)
                            json.member("since", Timestamp(rawValue: hole.since).text)
                            json.member("told", hole.isTold)
                        }
                    }
                }
            }
        }
    }
}
