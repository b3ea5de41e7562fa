package import Ledger

/// What a verification found.
package struct VerificationReport: Sendable {
    package var counts = VerificationCounts()
    /// What is wrong, the first first: file, place, reason.
    package var faults: [String] = []
    /// The checkpoint that everything was held against.
    package var checkpoint: SignedCheckpoint?
    /// The last beacon: leaves from this index on were sealed after this time (seconds since 1970); nil when no witness of the
    /// policy vouches for one.
    package var lastBeacon: (index: UInt64, time: UInt64)?
    /// What a reader of the counts has to know, and is nothing wrong.
    package var notes: [String] = []

    package var isIntact: Bool {
        faults.isEmpty && counts.missing == 0 && counts.altered == 0 && counts.destroyedWithoutAuthority == 0
    }
}
