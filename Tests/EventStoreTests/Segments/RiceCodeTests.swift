import Testing

@testable import EventStore

@Suite("Rice's code")
struct RiceCodeTests {
    private static func encoded(_ numbers: [UInt64], bits: Int) -> [UInt8] {
        var writer = RiceWriter()
        defer { writer.free() }
        for number in numbers { writer.append(number, bits: bits) }
        writer.align()
        return Array(writer.bytes.buffer)
    }

    @Test("The bits of a number are its quotient's zeros, a one, and its low bits")
    func layout() {
        #expect(Self.encoded([0], bits: 0) == [0x01])
        // 5 = 2 × 2 + 1: two zeros, a one, and the low bit 1.
        #expect(Self.encoded([5], bits: 1) == [0b0000_1100])
        // Two numbers share a byte: 0 is a one and a zero.
        #expect(Self.encoded([0, 1], bits: 1) == [0b0000_1101])
    }

    @Test("Numbers come back, whatever their size beside the mean", arguments: [0, 1, 7, 13, 31, 56])
    func roundTrip(bits: Int) throws {
        var generator = SequenceGenerator(state: UInt64(bits))
        var numbers: [UInt64] = [0, 1, 2, 63, 64, 65]
        for _ in 0..<700 {
            // A number has 64 bits at most.
            let quotient = UInt64.random(in: 0..<min(100, 1 << UInt64(63 - bits)), using: &generator)
            numbers.append(quotient << UInt64(bits) | generator.next() & (1 << UInt64(bits) - 1))
        }
        if bits <= 13 { numbers.append(200_000) }
        let bytes = Self.encoded(numbers, bits: bits) + [0xAA]
        try bytes.withUnsafeBytes { bytes in
            var reader = RiceReader(UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - 1)]))
            for number in numbers { #expect(reader.next(bits: bits) == number) }
            #expect(reader.end == bytes.count - 1 && reader.isPadded)
            // In the middle of others, it reads no further than its numbers.
            var inside = RiceReader(bytes)
            for number in numbers { try #require(inside.next(bits: bits) == number) }
            #expect(inside.end == bytes.count - 1 && inside.isPadded)
        }
    }

    @Test("What ends too early, or has no end, is no number; bits behind the last are seen")
    func damage() {
        for bytes: [UInt8] in [[], [0], [UInt8](repeating: 0, count: 100), [0x01]] {
            bytes.withUnsafeBytes { bytes in
                var reader = RiceReader(bytes)
                #expect(reader.next(bits: 8) == nil)
            }
        }
        [UInt8(0b1000_0001)].withUnsafeBytes { bytes in
            var reader = RiceReader(bytes)
            #expect(reader.next(bits: 0) == 0 && !reader.isPadded && reader.end == 1)
        }
    }

    @Test("The low bits follow the mean")
    func mean() {
        #expect([0, 1, 2, 3, 4, 8_000, 8_192, .max].map { RiceCode.bits(mean: $0) } == [0, 0, 1, 1, 2, 12, 13, 56])
    }
}
