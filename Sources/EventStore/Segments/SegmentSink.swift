import DurableFiles
import EventModel

/// Where the bytes of a new segment go, from the first to the last; the header is filled in at the end.
protocol SegmentSink: AnyObject {
    func append(_ bytes: UnsafeRawBufferPointer) throws
    /// Replaces the header, when all else is written.
    func patchHeader(_ bytes: [UInt8]) throws
}

extension SegmentMemory: SegmentSink {
    func patchHeader(_ bytes: [UInt8]) { patch(bytes, at: 0) }
}

/// Writes a segment to a file, 1 MiB at a time. Not durable until the file is synchronised.
final class SegmentFileSink: SegmentSink {
    private static let bufferBytes = 1 << 20
    private let file: any File
    private let buffer: SegmentMemory
    private var written: UInt64 = 0

    init(_ file: any File) {
        self.file = file
        buffer = SegmentMemory(capacity: Self.bufferBytes)
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws {
        if buffer.count + bytes.count > Self.bufferBytes { try writeBuffer() }
        if bytes.count >= Self.bufferBytes {
            try file.write(bytes, at: written)
            written += UInt64(bytes.count)
        } else {
            buffer.append(bytes)
        }
    }

    func patchHeader(_ bytes: [UInt8]) throws {
        try writeBuffer()
        try file.write(bytes, at: 0)
    }

    private func writeBuffer() throws {
        guard buffer.count > 0 else { return }
        try file.write(buffer.bytes, at: written)
        written += UInt64(buffer.count)
        buffer.removeAll()
    }
}
