/// The codes of a plain column of which nearly all are the same: that code, and of every other row its number and code.
struct SparseCodes {
    /// Sparse codes take at most one byte where plain ones take so many.
    private static let worth = 8

    private let words: UnsafeBufferPointer<UInt32>
    /// How many rows before the one that was asked for last have another code: rows are mostly asked for in order.
    private var place = 0

    /// - Parameter bytes: of a section that is sound; aligned to 4 bytes.
    init(_ bytes: UnsafeRawBufferPointer) { words = bytes.bindMemory(to: UInt32.self) }

    var common: UInt32 { words[0] }
    private var count: Int { (words.count - 1) / 2 }
    private func row(_ number: Int) -> UInt32 { words[1 + number * 2] }
    private func code(_ number: Int) -> UInt32 { words[2 + number * 2] }

    /// The code of a row.
    mutating func code(ofRow row: Int) -> UInt32 {
        let row = UInt32(truncatingIfNeeded: row)
        if place < count, self.row(place) < row { place += 1 }
        let follows = (place == 0 || self.row(place - 1) < row) && (place == count || self.row(place) >= row)
        if !follows {
            var (low, high) = (0, count)
            while low < high {
                let middle = (low + high) / 2
                if self.row(middle) < row { low = middle + 1 } else { high = middle }
            }
            place = low
        }
        return place < count && self.row(place) == row ? code(place) : common
    }

    /// Whether rows ascend below a count, and codes are others than the common one and none is beyond the values.
    func isSound(rowCount: Int, valueCount: UInt64) -> Bool {
        guard words.count % 2 == 1, UInt64(common) <= valueCount else { return false }
        var next: UInt64 = 0
        for number in 0..<count {
            guard UInt64(row(number)) >= next, code(number) != common, UInt64(code(number)) <= valueCount else {
                return false
            }
            next = UInt64(row(number)) + 1
        }
        return next <= UInt64(rowCount)
    }

    /// All codes, one by one.
    func expanded(rowCount: Int, width: Int) -> SegmentMemory {
        let memory = SegmentMemory(capacity: rowCount * width)
        switch width {
        case 1: fill(memory, rowCount, UInt8.self)
        case 2: fill(memory, rowCount, UInt16.self)
        default: fill(memory, rowCount, UInt32.self)
        }
        return memory
    }

    private func fill<Code: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
        _ memory: SegmentMemory, _ rowCount: Int, _: Code.Type
    ) {
        let codes = memory.start.bindMemory(to: Code.self, capacity: rowCount)
        codes.initialize(repeating: Code(truncatingIfNeeded: common), count: rowCount)
        for number in 0..<count { codes[Int(row(number))] = Code(truncatingIfNeeded: code(number)) }
        memory.commit(rowCount * MemoryLayout<Code>.size)
    }

    /// The section's numbers; nil where they would not be worth it.
    static func encoded<Code: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
        _ codes: UnsafeBufferPointer<Code>
    ) -> [UInt32]? {
        // The one that can be in more than half of the rows (Boyer and Moore's vote).
        var (common, votes) = (Code(0), 0)
        for code in codes {
            if votes == 0 { common = code }
            votes += code == common ? 1 : -1
        }
        var others = 0
        for code in codes { others += code == common ? 0 : 1 }
        guard (1 + 2 * others) * 4 * worth <= codes.count * MemoryLayout<Code>.size else { return nil }
        var words = [UInt32(common)]
        words.reserveCapacity(1 + 2 * others)
        for (row, code) in codes.enumerated() where code != common {
            words.append(UInt32(row).littleEndian)
            words.append(UInt32(code).littleEndian)
        }
        return words
    }
}
