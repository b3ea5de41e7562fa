/// Skips text in which nothing to redact can begin.
///
/// What makes the scan look closely is four bytes long. Of four bytes, the first three or the last three begin at every second
/// position, wherever one starts to count. So both threes of each trigger are kept, and text is looked at in every second
/// position only: three looks for six bytes. The set is one of bits by hash. It may take harmless text for suspicious, which
/// costs a closer look, never the other way round.
struct TrigramFilter: Sendable {
    private static let bits: UInt64 = 16
    private var words = [UInt64](repeating: 0, count: 1 << (bits - 6))

    /// - Parameter trigger: Four bytes in little-endian order.
    mutating func insert(_ trigger: UInt32) {
        for trigram in [trigger, trigger >> 8] {
            let bit = Self.bit(of: UInt64(trigram | 0x2020_2020))
            words[Int(bit >> 6)] |= 1 << (bit & 63)
        }
    }

    /// The bit of three bytes, whatever stands above them.
    @inline(__always)
    private static func bit(of trigram: UInt64) -> UInt64 {
        // Shifted up, so that the product's upper half depends on these three bytes alone.
        UInt64(truncatingIfNeeded: UInt32(truncatingIfNeeded: trigram << 8) &* 0x9E37_79B1) >> (32 - bits)
    }

    /// Searches one text. Borrows the filter's memory: valid inside ``withSearch(of:_:)`` only.
    struct Search {
        fileprivate let words: UnsafePointer<UInt64>
        fileprivate let text: UnsafeRawBufferPointer

        /// The first position at or behind one where a trigger may begin. The last seven bytes count as suspicious.
        @inline(__always)
        func next(from start: Int) -> Int {
            var position = start
            let end = text.count - 8
            while position <= end {
                let eight = UInt64(littleEndian: text.loadUnaligned(fromByteOffset: position, as: UInt64.self))
                let folded = eight | 0x2020_2020_2020_2020
                // Three bytes at a distance of 1 are the end of four at 0 and the beginning of four at 1, and so on.
                let (first, second, third) = (look(folded >> 8), look(folded >> 24), look(folded >> 40))
                guard (first | second | third) & 1 == 0 else {
                    return position + (first & 1 != 0 ? 0 : second & 1 != 0 ? 2 : 4)
                }
                position += 6
            }
            return position
        }

        @inline(__always)
        private func look(_ trigram: UInt64) -> UInt64 {
            let bit = TrigramFilter.bit(of: trigram)
            return words[Int(bit >> 6)] &>> (bit & 63)
        }
    }

    func withSearch<Result>(of text: UnsafeRawBufferPointer, _ body: (Search) -> Result) -> Result {
        words.withUnsafeBufferPointer { words in
            guard let words = words.baseAddress else { preconditionFailure("a filter has bits") }
            return body(Search(words: words, text: text))
        }
    }
}
