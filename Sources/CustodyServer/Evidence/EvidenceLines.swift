import DurableFiles

/// The lines of an evidence pack, one at a time: a pack may be larger than memory.
struct EvidenceLines {
    private static let chunkBytes = 1 << 20

    private let source: (_ offset: UInt64, _ count: Int) throws -> [UInt8]
    private var buffer: [UInt8] = []
    private var position = 0
    private var offset: UInt64 = 0
    private var isAtEnd = false
    /// The number of the line that was given last, from 1.
    private(set) var number = 0

    init(_ bytes: [UInt8]) {
        source = { offset, count in
            Array(bytes[min(Int(offset), bytes.count)..<min(Int(offset) + count, bytes.count)])
        }
    }

    init(_ file: any File) {
        source = { offset, count in
            try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
                initialized = try file.read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
            }
        }
    }

    /// The next line with its line feed; nil at the end.
    ///
    /// - Throws: ``EvidenceError`` for a line that is too long or not ended; what reading throws.
    mutating func next() throws -> [UInt8]? {
        var searched = position
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { position = end + 1 }
                number += 1
                return Array(buffer[position...end])
            }
            let length = buffer.count - position
            guard !isAtEnd else {
                guard length == 0 else {
                    throw EvidenceError(code: .altered, line: number + 1, reason: "the file is cut off in this line")
                }
                return nil
            }
            guard length <= EvidenceFormat.maximumLineBytes else {
                throw EvidenceError(code: .unreadable, line: number + 1, reason: "the line is too long")
            }
            buffer.removeFirst(position)
            position = 0
            searched = buffer.count
            let chunk = try source(offset, Self.chunkBytes)
            offset += UInt64(chunk.count)
            isAtEnd = chunk.isEmpty
            buffer += chunk
        }
    }
}
