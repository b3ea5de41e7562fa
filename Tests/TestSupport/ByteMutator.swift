/// Changes bytes as a fuzzer does, the same way each time for a seed.
package struct ByteMutator {
    private var state: UInt64
    /// Pieces that stand for something in the format, to be put in or to take the place of others.
    private let pieces: [[UInt8]]

    package init(seed: UInt64, pieces: [[UInt8]] = []) {
        state = seed
        self.pieces = pieces
    }

    /// One to four changes: flipped bits, odd bytes, ranges that are removed, doubled, moved or exchanged, pieces put in.
    package mutating func mutated(_ bytes: [UInt8], mixedWith other: [UInt8] = []) -> [UInt8] {
        var bytes = bytes
        for _ in 0...number(below: 4) { change(&bytes, other) }
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8], _ other: [UInt8]) {
        let at = number(below: bytes.count + 1)
        let end = min(bytes.count, at + 1 + number(below: 40))
        switch number(below: 9) {
        case 0 where at < bytes.count: bytes[at] ^= 1 << UInt8(number(below: 8))
        case 1 where at < bytes.count: bytes[at] = [0, 0x0a, 0x20, 0x2b, 0x7f, 0x80, 0xff][number(below: 7)]
        case 2: bytes.removeSubrange(at..<end)
        case 3: bytes.insert(contentsOf: Array(bytes[at..<end]), at: number(below: bytes.count + 1))
        case 4: bytes.removeSubrange(at...)
        case 5 where !pieces.isEmpty: bytes.insert(contentsOf: pieces[number(below: pieces.count)], at: at)
        case 6 where !pieces.isEmpty: bytes.replaceSubrange(at..<end, with: pieces[number(below: pieces.count)])
        case 7 where !other.isEmpty:
            let from = number(below: other.count)
            bytes.replaceSubrange(at..<end, with: other[from..<min(other.count, from + 1 + number(below: 80))])
        default:
            let size = [1, 2, 4, 8][number(below: 4)]
            guard at + size <= bytes.count else { return bytes.append(UInt8(number(below: 256))) }
            let value: [UInt8] = [0, 1, 0x7f, 0x80, 0xff].map { UInt8($0) }
            for offset in 0..<size { bytes[at + offset] = value[number(below: value.count)] }
        }
    }

    private mutating func number(below limit: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(limit))
    }
}
