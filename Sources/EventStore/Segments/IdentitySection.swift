import EventModel

/// What tells a row from the others of its delivery.
struct RowIdentity: Equatable, BitwiseCopyable {
    static let none = RowIdentity(id: .zero, part: 0)

    /// The event's id; zero where it has none that is a UUID.
    let id: EventID
    /// Its part of the payload that was delivered; zero where that is no number.
    let part: UInt32

    /// What the next event of a delivery has.
    var next: RowIdentity { advanced(by: 1) }

    func advanced(by count: UInt64) -> RowIdentity {
        RowIdentity(
            id: EventID(high: id.high, low: id.low &+ count),
            part: part == 0 ? 0 : part &+ UInt32(truncatingIfNeeded: count))
    }

    /// The number that is written so in decimal, without leading zeros; nil for zero and anything else.
    static func part(_ text: UnsafeRawBufferPointer) -> UInt32? {
        guard (1...10).contains(text.count), text[0] != UInt8(ascii: "0") else { return nil }
        var number: UInt64 = 0
        for byte in text {
            let digit = byte &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            number = number * 10 + UInt64(digit)
        }
        return UInt32(exactly: number)
    }
}

/// How segments store the identities of their rows: those of a delivery count up, so that runs of them are stored. docs/format/segment.md §13.
enum IdentitySection {
    /// Rows of a chunk: what is walked through to get at one of them, run by run.
    static let chunkRows = 4_096
    /// Of each chunk, before all chunks' bytes: its first identity, and where its bytes end.
    static let headBytes = 32

    static func chunkCount(rows: Int) -> Int { (rows + chunkRows - 1) / chunkRows }
}

/// Encodes identities in the order of the rows. Its owner calls ``free()``.
struct IdentityEncoder {
    private var heads = LittleEndianBytes()
    private var bytes = GrowableMemory<UInt8>(capacity: 1 << 8)
    private var count = 0
    private var last = RowIdentity.none
    /// Rows that count up from the one before them and are not written yet.
    private var run: UInt64 = 0

    func free() { bytes.free() }

    mutating func append(_ identity: RowIdentity) {
        defer {
            last = identity
            count += 1
        }
        if count % IdentitySection.chunkRows == 0 {
            closeChunk()
            heads.append(identity.id.high)
            heads.append(identity.id.low)
            heads.append(UInt64(identity.part))
        } else if identity == last.next {
            run += 1
        } else {
            closeRun()
            let difference = Int64(bitPattern: identity.id.high &- last.id.high)
            bytes.append(varint: Varint.zigzag(difference))
            withUnsafeBytes(of: identity.id.low.littleEndian) { bytes.append(bytes: $0) }
            bytes.append(varint: UInt64(identity.part))
        }
    }

    /// Writes the section of everything that was appended.
    mutating func write(to composer: SegmentComposer) throws {
        closeChunk()
        try composer.section(.identities) {
            try heads.bytes.withUnsafeBytes { try composer.append($0) }
            try composer.append(numbers: bytes.buffer)
            return count
        }
    }

    private mutating func closeRun() {
        bytes.append(varint: run)
        run = 0
    }

    private mutating func closeChunk() {
        guard count > 0 else { return }
        if run > 0 { closeRun() }
        heads.append(UInt64(bytes.count))
    }
}

/// Reads the identities of rows; fastest in ascending order.
struct IdentityCursor {
    private let bytes: UnsafeRawBufferPointer
    private let rowCount: Int
    /// The row of `identity`; -1 before the first.
    private var row = -1
    private var identity = RowIdentity.none
    /// Of the next byte in the chunk, and where its bytes end.
    private var position = 0
    private var end = 0
    /// Rows behind `row` that count up.
    private var run: UInt64 = 0

    /// Nil when the section has no room for its heads, or is not as long as they say.
    init?(_ bytes: UnsafeRawBufferPointer, rowCount: Int) {
        let chunks = IdentitySection.chunkCount(rows: rowCount)
        guard chunks > 0, bytes.count >= chunks * IdentitySection.headBytes else { return nil }
        self.bytes = bytes
        self.rowCount = rowCount
        guard chunkEnd(chunks - 1) == bytes.count else { return nil }
    }

    /// Nil when the bytes are malformed, or there is no such row. Cost: the runs between the row that was asked for last and this one, or
    /// between the beginning of its chunk and it.
    mutating func identity(ofRow wanted: Int) -> RowIdentity? {
        guard wanted >= 0, wanted < rowCount else { return nil }
        if wanted < row || wanted / IdentitySection.chunkRows != row / IdentitySection.chunkRows || row < 0 {
            guard begin(wanted / IdentitySection.chunkRows) else { return nil }
        }
        while row < wanted {
            if run > 0 {
                let step = min(run, UInt64(wanted - row))
                identity = identity.advanced(by: step)
                row += Int(step)
                run -= step
            } else {
                guard readIdentity() else { return fail() }
            }
        }
        return identity
    }

    private mutating func fail() -> RowIdentity? {
        row = -1
        return nil
    }

    private mutating func begin(_ chunk: Int) -> Bool {
        let head = chunk * IdentitySection.headBytes
        let start =
            chunk == 0 ? IdentitySection.chunkCount(rows: rowCount) * IdentitySection.headBytes : chunkEnd(chunk - 1)
        guard let start, let end = chunkEnd(chunk), start <= end else { return false }
        (position, self.end) = (start, end)
        row = chunk * IdentitySection.chunkRows
        identity = RowIdentity(
            id: EventID(
                high: bytes.number(at: head, as: UInt64.self), low: bytes.number(at: head + 8, as: UInt64.self)),
            part: UInt32(truncatingIfNeeded: bytes.number(at: head + 16, as: UInt64.self)))
        run = 0
        return readRun()
    }

    /// Where a chunk's bytes end in the section; nil for a place outside of it.
    private func chunkEnd(_ chunk: Int) -> Int? {
        let heads = IdentitySection.chunkCount(rows: rowCount) * IdentitySection.headBytes
        let end = bytes.number(at: chunk * IdentitySection.headBytes + 24, as: UInt64.self)
        return end <= UInt64(bytes.count - heads) ? heads + Int(end) : nil
    }

    /// Reads the length of the run behind `row`; there is none where the chunk has no more rows.
    private mutating func readRun() -> Bool {
        let rest = min((row / IdentitySection.chunkRows + 1) * IdentitySection.chunkRows, rowCount) - row - 1
        guard rest > 0 else { return position == end }
        guard let length = Varint.read(bytes.slice(0..<end), at: &position), length <= UInt64(rest) else {
            return false
        }
        run = length
        return length < UInt64(rest) || position == end
    }

    /// Reads the identity of the row behind a run.
    private mutating func readIdentity() -> Bool {
        let source = bytes.slice(0..<end)
        guard let code = Varint.read(source, at: &position), end - position >= 8 else { return false }
        let difference = Varint.number(zigzag: code)
        let low = bytes.number(at: position, as: UInt64.self)
        position += 8
        guard let number = Varint.read(source, at: &position), let part = UInt32(exactly: number) else { return false }
        identity = RowIdentity(
            id: EventID(high: identity.id.high &+ UInt64(bitPattern: difference), low: low), part: part)
        row += 1
        return readRun()
    }
}

extension SegmentReader {
    /// The identities of the rows. The segment has to live as long.
    ///
    /// - Throws: `damaged`.
    func identities() throws -> IdentityCursor {
        let bytes = try required(.identities)
        guard let cursor = IdentityCursor(bytes, rowCount: rowCount) else { throw malformedIdentities }
        return cursor
    }

    var malformedIdentities: EventStoreError {
        SegmentFault(
            file: name, section: "identities", offset: section(.identities)?.offset ?? 0, reason: "is malformed"
        ).error
    }
}
