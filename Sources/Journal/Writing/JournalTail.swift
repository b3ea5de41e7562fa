import DurableFiles

/// Where the next frame goes.
struct JournalTail {
    /// The newest file.
    var file: any File
    /// The end of its last good frame.
    var end: UInt64
    /// The digest that the next frame follows.
    var digest: Bytes32
}
