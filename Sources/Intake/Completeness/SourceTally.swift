/// What came from one source, as the ledger has it.
package struct SourceTally: Codable, Hashable, Sendable {
    /// Sequences that are followed of one source; beyond, the one that has been still for longest is forgotten.
    package static let maximumSequences = 1_024

    package var events: Int64 = 0
    /// When the first and the last event was received, in nanoseconds.
    package var first: Int64?
    package var last: Int64?
    /// Events received more than five minutes after they happened, and before.
    package var late: Int64 = 0
    package var ahead: Int64 = 0
    /// Gaps that were told, and numbers missing in them when they were.
    package var gaps: Int64 = 0
    package var missing: UInt64 = 0
    /// Events that bore no number where one is expected.
    package var unnumbered: Int64 = 0
    /// From when silence counts: the last event, or when it began to be expected.
    package var awaited: Int64?
    /// Since when it has been quiet, told as such; nil while it is not.
    package var quiet: Int64?
    /// By partition; the empty name where there are none.
    package var sequences: [String: SequenceTracker] = [:]

    package init() {}

    package var isQuiet: Bool { quiet != nil }
    /// Numbers that are missing now, told or not.
    package var missingNow: UInt64 { sequences.values.reduce(0) { $0 &+ $1.missing } }

    mutating func makeRoom(for partition: String) {
        guard sequences[partition] == nil, sequences.count >= Self.maximumSequences,
            let stillest = sequences.min(by: { ($0.value.last, $0.key) < ($1.value.last, $1.key) })
        else { return }
        sequences[stillest.key] = nil
    }
}
