import QueryLanguage
import Testing

@Suite("Patterns with wildcards")
struct GlobMatcherTests {
    private func matches(_ pattern: String, _ text: String, ignoringCase: Bool = true) -> Bool {
        text.withBytes { GlobMatcher(GlobPattern(parsing: pattern), ignoringCase: ignoringCase).matches($0) }
    }

    @Test(
        "A star is anything, a question mark one scalar, a backslash takes their meaning",
        arguments: [
            ("repo.*", "repo.destroy", true), ("repo.*", "repo.", true), ("repo.*", "repo", false),
            ("repo.*", "my.repo.x", false), ("*[bot]", "renovate[bot]", true), ("*[bot]", "bot", false),
            ("a*b*c", "abc", true), ("a*b*c", "a-b-b-c", true), ("a*b*c", "acb", false), ("a*bc*c", "abc", false),
            ("*aab", "aaab", true), ("a?c", "abc", true), ("a?c", "ac", false), ("a?c", "aéc", true),
            ("a?c", "a🧪c", true), ("a??c", "aéc", false), ("?", "漢", true), ("??*", "é", false),
            ("*?", "é", true), ("*?b?*", "xxbéx", true), ("A*É", "axé", true), ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false), ("*", "", true), ("?*", "", false), ("", "", true), ("", "a", false),
            ("a*?a", "aa", false), ("a*?a", "aba", true), ("*a?a*", "xaaxaya", true),
        ])
    func whole(pattern: String, text: String, isMatch: Bool) { #expect(matches(pattern, text) == isMatch) }

    @Test("Case matters when it is heeded")
    func heedsCase() {
        #expect(!matches("A*", "ab", ignoringCase: false))
        #expect(matches("A*É", "AxÉ", ignoringCase: false))
    }

    @Test("Every match agrees with the definition, tried naively", arguments: 0..<10)
    func agreesWithDefinition(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        func text(_ alphabet: [String], _ length: Int) -> String {
            (0..<Int.random(in: 0...length, using: &generator)).compactMap { _ in
                alphabet.randomElement(using: &generator)
            }.joined()
        }
        for _ in 0..<2_000 {
            let pattern = text(["a", "b", "é", "*", "?"], 6)
            let subject = text(["a", "b", "é"], 8)
            let expected = naive(Array(pattern.unicodeScalars)[...], Array(subject.unicodeScalars)[...])
            #expect(matches(pattern, subject) == expected, "\(pattern) \(subject)")
        }
    }

    private func naive(_ pattern: ArraySlice<Unicode.Scalar>, _ text: ArraySlice<Unicode.Scalar>) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        if first == "*" {
            return (text.startIndex...text.endIndex).contains { naive(pattern.dropFirst(), text[$0...]) }
        }
        guard let next = text.first, first == "?" || first == next else { return false }
        return naive(pattern.dropFirst(), text.dropFirst())
    }

    @Test("A pattern tells what every match begins with and contains")
    func hints() {
        #expect(GlobMatcher(GlobPattern(parsing: "Repo.*x")).prefix == Array("repo.".utf8))
        #expect(GlobPattern(parsing: "a*b?c").literals == ["a", "b", "c"])
    }

    @Test("Bytes that are no UTF-8 never crash and are one scalar each")
    func invalidBytes() {
        let bytes: [UInt8] = [0x61, 0xFF, 0x62]
        let matcher = GlobMatcher(GlobPattern(parsing: "a?b"))
        #expect(bytes.withUnsafeBytes { matcher.matches($0) })
        #expect([UInt8]([0x80, 0x80]).withUnsafeBytes { GlobMatcher(GlobPattern(parsing: "*?")).matches($0) })
    }
}
