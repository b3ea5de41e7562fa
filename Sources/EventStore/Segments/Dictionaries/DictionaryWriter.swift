import EventModel

/// A dictionary being written: as it is, or packed when it has many values. Its owner calls ``free()``.
struct DictionaryWriter {
    /// Packed values are gathered to so many bytes before they are written.
    private static let textBytes = 1 << 16

    private let field: Field
    private let composer: SegmentComposer
    private(set) var count = 0
    private var text = GrowableMemory<UInt8>(capacity: 1 << 12)
    /// Of values that are not packed, or of blocks.
    private var offsets = GrowableMemory<UInt32>(capacity: PackedDictionary.fewestValues)
    private var encoder = PackedValueEncoder()
    /// Bytes that are written already.
    private var written = 0

    init(_ field: Field, _ composer: SegmentComposer) {
        self.field = field
        self.composer = composer
    }

    func free() {
        text.free()
        offsets.free()
        encoder.free()
    }

    /// Adds the next value in ascending order.
    ///
    /// - Throws: `refused` when all take more than 4 GiB, and what the composer throws.
    mutating func append(_ value: UnsafeRawBufferPointer) throws {
        count += 1
        if count < PackedDictionary.fewestValues {
            offsets.append(try end())
            return text.append(bytes: value)
        }
        if count == PackedDictionary.fewestValues { packAll() }
        try pack(value)
        guard text.count >= Self.textBytes else { return }
        try drain()
    }

    /// Writes the values; nothing is added afterwards. Returns how many there are.
    mutating func finish() throws -> Int {
        offsets.append(try end())
        try drain()
        return count
    }

    /// Writes where they begin, or their blocks. Returns how many numbers but the last.
    func writeOffsets() throws -> Int {
        try composer.append(numbers: offsets.buffer)
        return offsets.count - 1
    }

    private func end() throws -> UInt32 {
        guard let end = UInt32(exactly: written + text.count) else {
            throw EventStoreError(.refused, "values of \(field.path) exceed 4 GiB")
        }
        return end
    }

    private mutating func pack(_ value: UnsafeRawBufferPointer) throws {
        let start = try end()
        if encoder.append(value, to: &text) { offsets.append(start) }
    }

    /// Packs what was gathered as it is.
    private mutating func packAll() {
        let (plain, starts) = (text, offsets)
        defer {
            plain.free()
            starts.free()
        }
        text = GrowableMemory(capacity: 1 << 12)
        offsets = GrowableMemory(capacity: PackedDictionary.fewestValues)
        for position in 0..<starts.count {
            let end = position + 1 < starts.count ? Int(starts[position + 1]) : plain.count
            let start = UInt32(text.count)
            let value = UnsafeRawBufferPointer(plain.buffer).slice(Int(starts[position])..<end)
            if encoder.append(value, to: &text) { offsets.append(start) }
        }
    }

    private mutating func drain() throws {
        try composer.append(numbers: text.buffer)
        written += text.count
        text.removeAll()
    }
}
