import DurableFiles
import SystemPackage

/// Walks through one file, frame by frame. The one place that says whether stored bytes are right.
struct JournalFileScan {
    /// How the walk ended.
    enum End {
        /// With the last byte of the file.
        case whole
        /// At bytes that power loss may have left of a write that was never acknowledged.
        case torn(offset: UInt64)
        /// At bytes that Custody did not write.
        case altered(offset: UInt64, reason: String)
    }

    /// What the file has to follow: the file before it, or nothing for the oldest.
    struct Expectation {
        let nextIndex: UInt64
        let digest: Bytes32
    }

    let file: any File
    let firstIndex: UInt64
    let expected: Expectation?
    let isNewest: Bool

    private(set) var frames: [JournalCatalogue.Frame] = []
    /// The index after the last good record.
    private(set) var nextIndex: UInt64
    /// The digest after the last good frame; nil while not even the header is good.
    private(set) var digest: Bytes32?
    /// The end of what is good.
    private(set) var end: UInt64 = 0

    init(file: any File, firstIndex: UInt64, expected: Expectation?, isNewest: Bool) {
        self.file = file
        self.firstIndex = firstIndex
        self.expected = expected
        self.isNewest = isNewest
        nextIndex = firstIndex
    }

    /// Walks to the end or to the first bad byte, and calls `visit` with each good frame.
    mutating func run(_ visit: (FrameLayout, UnsafeRawBufferPointer) throws -> Void) throws -> End {
        let size = try file.size()
        if let bad = try readHeader(size) { return bad }
        while end < size {
            if let bad = try readFrame(size, visit) { return bad }
        }
        return .whole
    }

    private mutating func readHeader(_ size: UInt64) throws -> End? {
        if let expected, expected.nextIndex != firstIndex {
            return .altered(offset: 0, reason: "the records \(expected.nextIndex) to \(firstIndex) are missing")
        }
        let bytes = try file.read(at: 0, count: Int(min(size, UInt64(FileHeader.bytes))))
        guard let header = bytes.withUnsafeBytes({ FileHeader($0) }) else {
            // The oldest file's header was renamed into place whole; only a file that was begun later can be torn.
            guard isNewest, expected != nil, try isTorn(size, header: nil, headerBytes: FileHeader.bytes) else {
                return .altered(offset: 0, reason: "the file header is not valid")
            }
            return .torn(offset: 0)
        }
        guard header.firstIndex == firstIndex, expected.map({ $0.digest == header.previous }) ?? true else {
            return .altered(offset: 0, reason: "the file does not follow the one before it")
        }
        digest = header.digest
        end = UInt64(FileHeader.bytes)
        return nil
    }

    private mutating func readFrame(
        _ size: UInt64, _ visit: (FrameLayout, UnsafeRawBufferPointer) throws -> Void
    ) throws -> End? {
        guard let previous = digest else { preconditionFailure("frames follow a header") }
        let start = try file.read(at: end, count: Int(min(size - end, UInt64(FrameHeader.bytes))))
        let header = start.withUnsafeBytes { FrameHeader($0, after: previous) }
        guard let header, UInt64(header.length) <= size - end else {
            return try badFrame(size, header, "the frame header is not valid, or the frame is cut off")
        }
        guard header.firstIndex == nextIndex else {
            return .altered(offset: end, reason: "record \(nextIndex) is missing")
        }
        let bytes = try file.read(at: end, count: Int(header.length))
        return try bytes.withUnsafeBytes { frame in
            guard FrameCheck.hasValidDigest(frame, after: previous) else {
                return try badFrame(size, header, "the frame's digest is wrong")
            }
            do {
                try visit(try FrameLayout(frame, header), frame)
            } catch let error as JournalError where error.code == .altered {
                return .altered(offset: end, reason: error.description)
            }
            frames.append(.init(firstIndex: nextIndex, offset: end, length: header.length))
            nextIndex += UInt64(header.recordCount)
            digest = Bytes32(frame.part(frame.count - FrameHeader.digestBytes..<frame.count))
            end += UInt64(header.length)
            return nil
        }
    }

    private func badFrame(_ size: UInt64, _ header: FrameHeader?, _ reason: String) throws -> End {
        guard isNewest, try isTorn(size, header: header, headerBytes: FrameHeader.bytes) else {
            return .altered(offset: end, reason: reason)
        }
        return .torn(offset: end)
    }

    private func isTorn(_ size: UInt64, header: FrameHeader?, headerBytes: Int) throws -> Bool {
        // More than the largest frame cannot be one torn frame, and must not be read into memory.
        guard size - end <= UInt64(JournalLimits.frameBytes + FileHeader.bytes) else { return false }
        return try file.read(at: end, count: Int(size - end)).withUnsafeBytes {
            FrameCheck.isTorn($0, at: end, header: header, headerBytes: headerBytes)
        }
    }
}
