import EventModel
import Testing

@Suite("Hexadecimal digits, eight at a time")
struct HexDigitsTests {
    private static func eight(_ text: String) -> UInt64 {
        text.utf8.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    @Test(
        "Digits of either case make their number",
        arguments: ["00000000", "0123abcd", "89ABCDEF", "ffffffff", "aBcDeF09", "10000000", "00000001"])
    func number(text: String) {
        #expect(HexDigits.number(ofDigits: Self.eight(text)) == UInt32(text, radix: 16))
    }

    @Test("Lower case alone is told from everything else", arguments: ["0123abcg", "0123abc/", "0123ABCD", "        "])
    func refused(text: String) {
        #expect(HexDigits.number(Self.eight(text)) == nil)
    }

    @Test("A number's digits make it again", arguments: [0, 1, 0xDEAD_BEEF, 0x0123_4567, .max] as [UInt32])
    func thereAndBack(number: UInt32) {
        #expect(HexDigits.number(HexDigits.digits(number)) == number)
        #expect(HexDigits.number(ofDigits: HexDigits.digits(number)) == number)
    }
}
