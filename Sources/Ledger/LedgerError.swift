/// What went wrong in the ledger: a code to compare, and a reason to read.
///
/// The reason names indexes, sizes, file names and tile paths; it never holds key material or event content.
package struct LedgerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of failure that a caller can tell apart.
    package enum Code: String, Hashable, Sendable {
        /// Bytes that are not in the format they claim to be in.
        case malformed
        /// An index, size, level or width that the tree does not have.
        case outOfRange
        /// A proof that does not lead to the root.
        case proofInvalid
        /// A note without a valid signature of a known key, or with an invalid one.
        case signatureInvalid
        /// An entry supplied twice with different content.
        case leafMismatch
        /// Entries supplied with a hole before them.
        case gap
        /// A checkpoint that too few witnesses have cosigned.
        case quorumMissing
        /// A tree that does not extend the checkpoint published before.
        case fork
        /// A tree that is smaller than one that was signed before: it was rolled back.
        case rollback
        /// The signer's memory of what it signed is gone, or somebody else has it.
        case guardLost
        /// Stored files that do not agree with each other or with the checkpoint.
        case corrupt
    }

    /// The kind of failure.
    package let code: Code
    /// Lowercase text for a person, safe to log and to print.
    package let reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    package var description: String { "\(code.rawValue): \(reason)" }
}
