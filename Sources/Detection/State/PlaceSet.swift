/// Places of operators, taken out in ascending order; places behind the one taken last may be added meanwhile.
struct PlaceSet {
    private var words: [UInt64] = []
    private var count = 0

    var isEmpty: Bool { count == 0 }

    /// Makes room for the places below `bound`.
    mutating func reserve(_ bound: Int) { words = Array(repeating: 0, count: (bound + 63) / 64) }

    mutating func insert(_ place: Int) {
        let bit: UInt64 = 1 << UInt64(place % 64)
        if words[place / 64] & bit == 0 { count += 1 }
        words[place / 64] |= bit
    }

    /// The lowest place, which is in it no more; nil when there is none.
    mutating func removeFirst() -> Int? {
        guard count > 0 else { return nil }
        for word in words.indices where words[word] != 0 {
            count -= 1
            defer { words[word] &= words[word] - 1 }
            return word * 64 + words[word].trailingZeroBitCount
        }
        return nil
    }
}
