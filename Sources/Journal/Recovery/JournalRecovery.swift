package import SystemPackage

/// What opening a journal found. For the log and for counters.
package struct JournalRecovery: Sendable, Hashable {
    /// A write that power loss had torn: it was never acknowledged, and was cut off.
    package struct TornWrite: Sendable, Hashable {
        /// The file whose end it was.
        package let file: FilePath
        /// Where it began there.
        package let offset: UInt64
        /// The bytes that were cut off.
        package let byteCount: UInt64
        /// Where they are kept.
        package let copy: FilePath
        /// The index that its first record would have had.
        package let index: UInt64
    }

    /// The torn write, if there was one.
    package let tornWrite: TornWrite?
    /// Whether the journal was begun now.
    package let isNew: Bool
    /// The frames that were read and found right.
    package let frameCount: Int
}
