internal import DurableFiles
internal import SystemPackage

/// A file that only grows, with the bytes that are not written to it yet.
struct GrowingFile {
    let path: FilePath
    /// Where the next byte goes: the bytes written and those waiting.
    private(set) var length: UInt64
    private var file: (any File)?
    private var pending: [UInt8] = []

    /// A file whose first `length` bytes are written.
    init(path: FilePath, length: UInt64) {
        self.path = path
        self.length = length
    }

    /// Whether bytes wait to be written.
    var hasPending: Bool { !pending.isEmpty }

    mutating func append(_ bytes: some Collection<UInt8>) {
        pending.append(contentsOf: bytes)
        length += UInt64(bytes.count)
    }

    /// Lets `body` append bytes; for codes of unknown length.
    mutating func append(with body: (inout [UInt8]) -> Void) {
        let before = pending.count
        body(&pending)
        length += UInt64(pending.count - before)
    }

    mutating func append(_ hash: TreeHash) {
        hash.withUnsafeBytes { pending.append(contentsOf: $0) }
        length += UInt64(TreeHash.byteCount)
    }

    /// Writes what waits, and makes it survive power loss but for the file's name.
    ///
    /// - Returns: whether the file was opened for the first time, so that its name may not be durable yet.
    /// - Throws: `DurableFilesError`; what waits stays, and a second call writes it to the same place.
    mutating func flush(to fileSystem: any FileSystem) throws -> Bool {
        guard hasPending else { return false }
        let isFirst = file == nil
        let target = try file ?? fileSystem.open(path, .openOrCreate(.privateFile))
        try target.write(pending, at: length - UInt64(pending.count))
        try target.synchronizeData()
        // Only now: after a failure the next call has to say again that the name may not be durable.
        file = target
        pending.removeAll(keepingCapacity: true)
        return isFirst
    }
}
