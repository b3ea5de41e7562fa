import EventModel

/// Finds ASCII bytes in text whatever their case, without folding the text first.
///
/// Two bytes of the needle that are rare in audit logs are looked for at their distance, 16 places at a time; only where
/// both stand is the needle compared. On log text that is some gigabytes a second; at worst, text full of both bytes, it
/// costs text × needle, which the lengths of records and needles bound.
struct FoldedSearcher: Sendable {
    /// Folded, not empty, ASCII only.
    let needle: [UInt8]
    private let first: Int
    private let second: Int

    init(_ needle: [UInt8]) {
        precondition(!needle.isEmpty && needle.allSatisfy { $0 < 0x80 })
        self.needle = needle
        let byRarity = needle.indices.sorted { Self.frequency(needle[$0]) < Self.frequency(needle[$1]) }
        first = byRarity[0]
        second = byRarity.dropFirst().first { needle[$0] != needle[byRarity[0]] } ?? byRarity.last ?? 0
    }

    /// How often a byte occurs in log text, roughly; higher is more often.
    private static func frequency(_ byte: UInt8) -> Int {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: ":"), UInt8(ascii: ","), UInt8(ascii: " "): 9
        case UInt8(ascii: "e"), UInt8(ascii: "a"), UInt8(ascii: "t"), UInt8(ascii: "i"), UInt8(ascii: "s"),
            UInt8(ascii: "r"), UInt8(ascii: "n"), UInt8(ascii: "o"), UInt8(ascii: "c"):
            8
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "d"), UInt8(ascii: "b"), UInt8(ascii: "f"): 7
        case UInt8(ascii: "l"), UInt8(ascii: "u"), UInt8(ascii: "p"), UInt8(ascii: "m"), UInt8(ascii: "-"),
            UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "/"):
            6
        case UInt8(ascii: "a")...UInt8(ascii: "z"): 4
        default: 2
        }
    }

    /// What to OR into a byte before comparing: the case bit of letters.
    private static func caseBit(_ byte: UInt8) -> UInt8 {
        byte &- UInt8(ascii: "a") < 26 ? 0x20 : 0
    }

    /// Where the needle first stands at or after an offset.
    func firstIndex(in text: UnsafeRawBufferPointer, from offset: Int = 0) -> Int? {
        guard let base = text.baseAddress else { return nil }
        let last = text.count - needle.count
        var position = offset
        let firstByte = SIMD16<UInt8>(repeating: needle[first])
        let secondByte = SIMD16<UInt8>(repeating: needle[second])
        let firstCase = SIMD16<UInt8>(repeating: Self.caseBit(needle[first]))
        let secondCase = SIMD16<UInt8>(repeating: Self.caseBit(needle[second]))
        let zero = SIMD16<UInt8>(repeating: 0)
        // 16 starts a step: the loads at both distances stay inside the text while the last start is valid.
        while position + 15 <= last {
            let one = base.loadUnaligned(fromByteOffset: position + first, as: SIMD16<UInt8>.self) | firstCase
            let other = base.loadUnaligned(fromByteOffset: position + second, as: SIMD16<UInt8>.self) | secondCase
            let difference = (one ^ firstByte) | (other ^ secondByte)
            let hits = unsafeBitCast(zero.replacing(with: 0xFF, where: difference .== zero), to: SIMD2<UInt64>.self)
            if hits[0] | hits[1] != 0 {
                if let found = firstStart(hits[0], at: position, in: text) { return found }
                if let found = firstStart(hits[1], at: position + 8, in: text) { return found }
            }
            position += 16
        }
        while position <= last {
            if stands(at: position, in: text) { return position }
            position += 1
        }
        return nil
    }

    private func firstStart(_ hits: UInt64, at position: Int, in text: UnsafeRawBufferPointer) -> Int? {
        var hits = hits
        while hits != 0 {
            let byte = hits.trailingZeroBitCount / 8
            if stands(at: position + byte, in: text) { return position + byte }
            hits &= ~(0xFF << UInt64(byte * 8))
        }
        return nil
    }

    private func stands(at position: Int, in text: UnsafeRawBufferPointer) -> Bool {
        for offset in needle.indices where CaseFolding.fold(text[position + offset]) != needle[offset] { return false }
        return true
    }
}
