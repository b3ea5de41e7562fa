import EventModel
import Testing

@testable import custody

struct VisibleTextTests {
    @Test(
        "Characters that could fool a terminal or its reader are written out",
        arguments: [
            ("\u{1B}[31mred\u{1B}[0m", #"\u{1b}[31mred\u{1b}[0m"#), ("bell\u{7}", #"bell\u{7}"#),
            ("\u{7F}", #"\u{7f}"#),
            ("\u{9B}2J", #"\u{9b}2J"#), ("a\u{202E}b\u{202C}", #"a\u{202e}b\u{202c}"#),
            ("\u{2066}x\u{2069}", #"\u{2066}x\u{2069}"#), ("\u{200F}", #"\u{200f}"#), ("\u{61C}", #"\u{61c}"#),
            ("two\nlines\r", #"two\u{a}lines\u{d}"#), ("\u{2028}", #"\u{2028}"#), ("tag\u{E0041}", #"tag\u{e0041}"#),
        ])
    func escapes(text: String, shown: String) {
        #expect(VisibleText.of(text) == shown)
        #expect(!VisibleText.of(text).unicodeScalars.contains { VisibleText.isDangerous($0) })
    }

    @Test("Ordinary text of any script stays as it is")
    func ordinary() {
        for text in ["", "octocat", "Ærøskøbing", "日本語", "שלום", "👩‍👩‍👧", "back\\slash"] {
            #expect(VisibleText.of(text) == text)
        }
    }

    @Test("Every C0 and C1 character is written out, line feeds too")
    func everyControlCharacter() {
        for value in Array(0..<0x20) + Array(0x7F...0x9F) {
            #expect(VisibleText.of("\(Unicode.Scalar(UInt8(value)))") == "\\u{" + String(value, radix: 16) + "}")
        }
    }

    @Test("JSON keeps its meaning and loses its dangerous characters")
    func json() throws {
        let written = VisibleText.ofJSON(Array("{\"a\":\"x\u{9B}\u{202E}\u{E0041}é\"}".utf8))
        let text = String(decoding: written, as: UTF8.self)
        #expect(text == #"{"a":"x\u009b\u202e\udb40\udc41é"}"#)
        let read = try JSONDocument.read(written) { $0.text("a") }
        #expect(read == "x\u{9B}\u{202E}\u{E0041}é")
    }
}
