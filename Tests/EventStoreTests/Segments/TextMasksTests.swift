import CTextMasks
import EventModel
import Testing

@testable import EventStore

/// What a text's bytes are is the same byte by byte, in the processor's way and in the portable one.
struct TextMasksTests {
    @Test("Each byte has its bits, by either way", arguments: [1, 5, 128] as [UInt8])
    func bytes(limit: UInt8) {
        // All bytes, at all places of a block.
        let text = (0..<64).flatMap { shift in (0..<256).map { UInt8(($0 + shift) & 255) } }
        var fast = [custody_text_block](repeating: custody_text_block(), count: text.count / 64)
        var portable = fast
        custody_text_masks(text, fast.count, limit, &fast)
        custody_text_masks_portable(text, portable.count, limit, &portable)
        for (offset, byte) in text.enumerated() {
            let isToken = withUnsafeBytes(of: byte) { TokenScanner.classes(of: $0) } != 0
            let expected = [
                isToken, (48...57).contains(byte), (97...102).contains(byte), (65...70).contains(byte), byte >= 0x80,
                byte == 92, byte == 117, byte < limit,
            ]
            for block in [fast[offset / 64], portable[offset / 64]] {
                let found = [
                    block.token, block.digit, block.lower_hex, block.upper_hex, block.non_ascii, block.backslash,
                    block.small_u, block.below,
                ].map { $0 >> UInt64(offset & 63) & 1 == 1 }
                #expect(found == expected, "\(byte)")
            }
        }
    }

    @Test("Tokens are those of the scanner at every length", arguments: [0, 1, 15, 63, 64, 65, 127, 128, 129, 200])
    func tokens(length: Int) {
        var masks = TextMasks()
        let scanner = TokenScanner()
        defer {
            masks.free()
            scanner.free()
        }
        for gap in [1, 2, 7, 64, 300] {
            let text = (0..<length).map { $0 % gap == gap - 1 ? UInt8(ascii: "-") : UInt8(ascii: "a") + UInt8($0 % 26) }
            text.withUnsafeBytes { bytes in
                var expected: [Range<Int>] = []
                scanner.scan(bytes) { token, _ in
                    guard let base = bytes.baseAddress, let first = token.baseAddress else { return }
                    expected.append(first - base..<first - base + token.count)
                }
                masks.read(bytes)
                var found: [Range<Int>] = []
                var position = masks.tokenStart(from: 0, length)
                while position < length {
                    let end = masks.tokenEnd(from: position, length)
                    found.append(position..<end)
                    position = masks.tokenStart(from: end, length)
                }
                #expect(found == expected)
            }
        }
    }

    @Test(
        "An escape is told wherever it stands, also across blocks",
        arguments: [0, 1, 61, 62, 63, 64, 126, 127, 128, 190])
    func escapes(offset: Int) {
        var masks = TextMasks()
        defer { masks.free() }
        for (text, expected) in [(#"\u0041"#, true), (#"\n u"#, false), ("u", false)] {
            let text = [UInt8](repeating: 45, count: offset) + Array(text.utf8)
            text.withUnsafeBytes { masks.read($0) }
            #expect(masks.mayHaveUnicodeEscape == expected)
        }
    }
}
