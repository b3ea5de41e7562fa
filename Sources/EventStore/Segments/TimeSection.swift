import EventModel

/// How segments store the times of their rows: differences, chunk by chunk. docs/format/segment.md §12.
enum TimeSection {
    /// Rows of a chunk: what is decoded to get at one of them.
    static let chunkRows = 4_096
    /// Of each chunk, before all chunks' bytes: the first time, and where its bytes end with its exponent.
    static let headBytes = 16
    /// Where in the second half of a head the exponent is.
    static let exponentShift: UInt64 = 56

    /// The unit of an exponent; nil for a number that is none.
    static func unit(_ exponent: UInt64) -> Int64? {
        switch exponent {
        case 0: 1
        case 3: 1_000
        case 6: 1_000_000
        case 9: 1_000_000_000
        default: nil
        }
    }

    /// The exponent of the largest unit that all times are multiples of.
    static func exponent(of times: UnsafeBufferPointer<Int64>) -> UInt64 {
        var (exponent, unit) = (UInt64(9), Int64(1_000_000_000))
        for time in times {
            while time % unit != 0 {
                exponent -= 3
                unit /= 1_000
            }
        }
        return exponent
    }

    static func chunkCount(rows: Int) -> Int { (rows + chunkRows - 1) / chunkRows }
}

/// Encodes times in the order of the rows.
struct TimeEncoder {
    private var heads = LittleEndianBytes()
    private var bytes = GrowableMemory<UInt8>(capacity: 1 << 12)
    /// The rows of the chunk at hand.
    private var chunk = GrowableMemory<Int64>(capacity: TimeSection.chunkRows)
    private var count = 0

    func free() {
        bytes.free()
        chunk.free()
    }

    @inline(__always)
    mutating func append(_ time: Int64) {
        chunk.append(time)
        if chunk.count == TimeSection.chunkRows { closeChunk() }
    }

    /// Writes the section of everything that was appended.
    mutating func write(to composer: SegmentComposer, _ kind: SectionKind) throws {
        closeChunk()
        try composer.section(kind) {
            try heads.bytes.withUnsafeBytes { try composer.append($0) }
            try composer.append(numbers: bytes.buffer)
            return count
        }
    }

    private mutating func closeChunk() {
        guard chunk.count > 0 else { return }
        let exponent = TimeSection.exponent(of: chunk.buffer)
        let unit = TimeSection.unit(exponent) ?? 1
        var row = 1
        while row < chunk.count {
            let last = chunk[row - 1]
            if chunk[row] == last {
                var equal: UInt64 = 1
                while row + Int(equal) < chunk.count, chunk[row + Int(equal)] == last { equal += 1 }
                bytes.append(0)
                bytes.append(varint: equal - 1)
                row += Int(equal)
            } else {
                let difference = chunk[row] / unit &- last / unit
                bytes.append(varint: Varint.zigzag(difference))
                row += 1
            }
        }
        heads.append(chunk[0])
        heads.append(UInt64(bytes.count) | exponent << TimeSection.exponentShift)
        count += chunk.count
        chunk.removeAll()
    }
}

/// Decodes the chunks of a section of times.
struct TimeDecoder {
    private let bytes: UnsafeRawBufferPointer
    private let rowCount: Int

    /// Nil when the section has no room for its heads.
    init?(_ bytes: UnsafeRawBufferPointer, rowCount: Int) {
        guard bytes.count >= TimeSection.chunkCount(rows: rowCount) * TimeSection.headBytes else { return nil }
        self.bytes = bytes
        self.rowCount = rowCount
    }

    var chunkCount: Int { TimeSection.chunkCount(rows: rowCount) }

    /// The rows of a chunk.
    func rows(of chunk: Int) -> Range<Int> {
        let first = chunk * TimeSection.chunkRows
        return first..<min(first + TimeSection.chunkRows, rowCount)
    }

    /// Writes the times of a chunk's rows. False when its bytes are malformed.
    func decode(_ chunk: Int, into output: UnsafeMutablePointer<Int64>) -> Bool {
        let heads = chunkCount * TimeSection.headBytes
        let first = bytes.number(at: chunk * TimeSection.headBytes, as: Int64.self)
        let start = chunk == 0 ? 0 : tail(of: chunk - 1).end
        let (end, exponent) = tail(of: chunk)
        guard start <= end, end <= UInt64(bytes.count - heads), let unit = TimeSection.unit(exponent) else {
            return false
        }
        var position = heads + Int(start)
        let stop = heads + Int(end)
        let count = rows(of: chunk).count
        let source = UnsafeRawBufferPointer(rebasing: bytes[..<stop])
        output[0] = first
        var time = first
        var row = 1
        while row < count {
            guard position < stop, let code = Varint.read(source, at: &position) else { return false }
            if code == 0 {
                guard let more = Varint.read(source, at: &position), more < UInt64(count - row) else { return false }
                for _ in 0...more {
                    output[row] = time
                    row += 1
                }
            } else {
                time = time &+ Varint.number(zigzag: code) &* unit
                output[row] = time
                row += 1
            }
        }
        return position == stop
    }

    /// Whether the section is exactly these chunks.
    var endsWithLastChunk: Bool {
        let heads = chunkCount * TimeSection.headBytes
        guard chunkCount > 0 else { return false }
        return tail(of: chunkCount - 1).end == UInt64(bytes.count - heads)
    }

    /// The second half of a chunk's head.
    private func tail(of chunk: Int) -> (end: UInt64, exponent: UInt64) {
        let tail = bytes.number(at: chunk * TimeSection.headBytes + 8, as: UInt64.self)
        return (tail & (1 << TimeSection.exponentShift - 1), tail >> TimeSection.exponentShift)
    }
}

/// A segment's section of times, one chunk decoded at a time.
final class TimeChunks {
    private let reader: SegmentReader
    private let section: SegmentSection
    private let decoder: TimeDecoder
    private let times = UnsafeMutablePointer<Int64>.allocate(capacity: TimeSection.chunkRows)
    /// The chunk in `times`.
    private var chunk: Int?

    /// - Throws: `damaged`.
    init(_ reader: SegmentReader, _ kind: SectionKind) throws {
        let bytes = try reader.required(kind)
        guard let section = reader.section(kind),
            let decoder = TimeDecoder(bytes, rowCount: reader.rowCount)
        else { throw SegmentFault(file: reader.name, section: "\(kind)", offset: 0, reason: "is malformed").error }
        self.reader = reader
        self.section = section
        self.decoder = decoder
    }

    deinit { times.deallocate() }

    var count: Int { decoder.chunkCount }

    func decode(_ chunk: Int, into output: UnsafeMutablePointer<Int64>) throws {
        guard decoder.decode(chunk, into: output) else { throw reader.fault(section, "is malformed").error }
    }

    func time(ofRow row: Int) throws -> Int64 {
        let wanted = row / TimeSection.chunkRows
        if chunk != wanted {
            chunk = nil
            try decode(wanted, into: times)
            chunk = wanted
        }
        return times[row % TimeSection.chunkRows]
    }
}
