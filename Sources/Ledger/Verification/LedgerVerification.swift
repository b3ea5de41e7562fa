/// What a verification found.
package struct LedgerVerification: Hashable, Sendable {
    /// A place where a log is not what it has to be.
    package struct Fault: Hashable, Sendable, CustomStringConvertible {
        /// The file: `checkpoint`, or the path of a tile or entry bundle.
        package let path: String
        /// The byte of the file where the wrong hash, entry or line begins.
        package let offset: Int
        /// What is wrong there.
        package let reason: String

        package var description: String { "\(path), byte \(offset): \(reason)" }
    }

    /// The checkpoint that was verified; `nil` when it could not be.
    package let checkpoint: SignedCheckpoint?
    /// The number of entries that were hashed.
    package let entries: UInt64
    /// The first thing that is wrong; `nil` when nothing is.
    package let fault: Fault?

    /// Whether the whole log is what its checkpoint says.
    package var isIntact: Bool { fault == nil }
}
