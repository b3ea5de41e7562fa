/// Which records of a page are kept. Records that are not, for instance duplicates, get no index.
package struct RecordMask: Sendable, Hashable {
    /// The number of records of the page.
    package let count: Int
    /// The number of records that are kept.
    package private(set) var keptCount: Int
    private var words: [UInt64]

    /// Keeps all of `count` records.
    package init(keepingAll count: Int) {
        precondition(count >= 0)
        self.count = count
        keptCount = count
        words = Array(repeating: .max, count: (count + 63) / 64)
        if count % 64 != 0 { words[words.count - 1] = (1 << UInt64(count % 64)) - 1 }
    }

    /// Whether a record is kept.
    package func isKept(_ record: Int) -> Bool {
        precondition(record >= 0 && record < count)
        return words[record / 64] & (1 << UInt64(record % 64)) != 0
    }

    /// Drops a record.
    package mutating func drop(_ record: Int) {
        guard isKept(record) else { return }
        words[record / 64] &= ~(1 << UInt64(record % 64))
        keptCount -= 1
    }

    /// Whether every record is kept.
    package var keepsAll: Bool { keptCount == count }

    /// Bytes of the stored form: none when all are kept, otherwise a bit a record.
    var storedBytes: Int { keepsAll ? 0 : (count + 7) / 8 }

    /// Appends the stored form: bit `i % 8` of byte `i / 8`, unused bits zero.
    func store(into bytes: inout [UInt8]) {
        guard !keepsAll else { return }
        for byte in 0..<storedBytes {
            bytes.append(UInt8(truncatingIfNeeded: words[byte / 8] >> UInt64(byte % 8 * 8)))
        }
    }

    /// Reads the stored form. Nil when it has the wrong length, a bit beyond the records, or keeps all or none.
    init?(stored: UnsafeRawBufferPointer, count: Int) {
        self.init(keepingAll: count)
        guard !stored.isEmpty else { return }
        guard stored.count == (count + 7) / 8 else { return nil }
        let allowed = words
        words = Array(repeating: 0, count: words.count)
        for (number, byte) in stored.enumerated() { words[number / 8] |= UInt64(byte) << UInt64(number % 8 * 8) }
        keptCount = words.reduce(0) { $0 + $1.nonzeroBitCount }
        guard zip(words, allowed).allSatisfy({ $0 & ~$1 == 0 }), keptCount > 0, keptCount < count else { return nil }
    }
}
