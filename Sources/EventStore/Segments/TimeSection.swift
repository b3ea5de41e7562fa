import EventModel

/// How segments store the times of their rows: differences, chunk by chunk. docs/format/segment.md §12.
enum TimeSection {
    /// Rows of a chunk: what is decoded to get at one of them.
    static let chunkRows = 4_096
    /// Of each chunk, before all chunks' bytes: the first time, and where its bytes end.
    static let headBytes = 16

    /// The exponents of the units that times are stored in, of nanoseconds: seconds, milliseconds, microseconds, nanoseconds.
    static let exponents: [UInt8] = [9, 6, 3, 0]

    static func unit(_ exponent: UInt8) -> Int64? {
        switch exponent {
        case 0: 1
        case 3: 1_000
        case 6: 1_000_000
        case 9: 1_000_000_000
        default: nil
        }
    }

    /// The exponent of the largest unit that all times are multiples of.
    static func exponent(of times: UnsafeBufferPointer<Int64>) -> UInt8 {
        var (place, unit) = (0, Int64(1_000_000_000))
        for time in times {
            while time % unit != 0 {
                place += 1
                unit = Self.unit(exponents[place]) ?? 1
            }
        }
        return exponents[place]
    }

    static func chunkCount(rows: Int) -> Int { (rows + chunkRows - 1) / chunkRows }
}

/// Encodes times in the order of the rows.
struct TimeEncoder {
    private let exponent: UInt8
    private let unit: Int64
    private var heads = LittleEndianBytes()
    private var bytes = GrowableMemory<UInt8>(capacity: 1 << 12)
    private var count = 0
    private var firstOfChunk: Int64 = 0
    private var last: Int64 = 0
    /// Rows with the same time as the one before that are not written yet.
    private var equal: UInt64 = 0

    /// - Parameter exponent: of a unit that all times are multiples of.
    init(exponent: UInt8) {
        self.exponent = exponent
        unit = TimeSection.unit(exponent) ?? 1
    }

    func free() { bytes.free() }

    mutating func append(_ time: Int64) {
        if count % TimeSection.chunkRows == 0 {
            closeChunk()
            firstOfChunk = time
        } else if time == last {
            equal += 1
        } else {
            writeEqual()
            let difference = time / unit &- last / unit
            bytes.append(varint: UInt64(bitPattern: difference &<< 1 ^ difference &>> 63))
        }
        last = time
        count += 1
    }

    /// Writes the section of everything that was appended.
    mutating func write(to composer: SegmentComposer, _ kind: SectionKind) throws {
        closeChunk()
        try composer.section(kind, width: Int(exponent)) {
            try heads.bytes.withUnsafeBytes { try composer.append($0) }
            try composer.append(numbers: bytes.buffer)
            return count
        }
    }

    private mutating func closeChunk() {
        guard count > 0 else { return }
        writeEqual()
        heads.append(firstOfChunk)
        heads.append(UInt64(bytes.count))
    }

    private mutating func writeEqual() {
        guard equal > 0 else { return }
        bytes.append(0)
        bytes.append(varint: equal - 1)
        equal = 0
    }
}

/// Decodes the chunks of a section of times.
struct TimeDecoder {
    private let bytes: UnsafeRawBufferPointer
    private let rowCount: Int
    private let unit: Int64

    /// - Parameter exponent: the section's width. Nil when it is none, or the section has no room for its heads.
    init?(_ bytes: UnsafeRawBufferPointer, rowCount: Int, exponent: UInt8) {
        guard let unit = TimeSection.unit(exponent),
            bytes.count >= TimeSection.chunkCount(rows: rowCount) * TimeSection.headBytes
        else { return nil }
        self.bytes = bytes
        self.rowCount = rowCount
        self.unit = unit
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
        let start = chunk == 0 ? 0 : bytes.number(at: chunk * TimeSection.headBytes - 8, as: UInt64.self)
        let end = bytes.number(at: chunk * TimeSection.headBytes + 8, as: UInt64.self)
        guard start <= end, end <= UInt64(bytes.count - heads), first % unit == 0 else { return false }
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
                time = time &+ (Int64(bitPattern: code >> 1) ^ -Int64(bitPattern: code & 1)) &* unit
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
        return bytes.number(at: heads - 8, as: UInt64.self) == UInt64(bytes.count - heads)
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
            let decoder = TimeDecoder(bytes, rowCount: reader.rowCount, exponent: section.width)
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
