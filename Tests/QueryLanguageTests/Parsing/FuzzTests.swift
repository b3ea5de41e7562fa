import QueryLanguage
import Testing

@Suite("Any text at all")
struct FuzzTests {
    private static let fragments = [
        "actor:", "time:", "ip:", "raw.", "raw[\"", "ext.", "source:*", "OR", "AND ", "NOT ", "-", "(", ")", "\"", "\\",
        "/", "*",
        "?", "|", " ", ",", "=", ">", "<=", "..", "stats ", "count", "dcount(", " by ", " as ", "timechart span=", "1h",
        "top 5 ",
        "where ", "sort -", "limit ", "fields ", "dedup ", "2026-11-01", "-24h", "10.0.0.0/8", "::1", "é", "🧪",
        "\u{301}", "\0",
        "\u{A0}", "\r\n", "x", "api.status:", "9999999999999999999", "1e400", "sha256:", "://", "now", "[", "]",
        "{1000}",
    ]

    private func check(_ text: String) {
        do {
            let query = try parse(text)
            let canonical = query.canonical
            let again = try? parse(canonical)
            #expect(again == query, "\(text.debugDescription) became \(canonical.debugDescription)")
        } catch {
            #expect((1...text.count + 1).contains(error.column), "\(text.debugDescription): \(error)")
            #expect(
                error.length >= 1 && error.column + error.length - 1 <= text.count + 1,
                "\(text.debugDescription): \(error)")
        }
        _ = QueryCompletion(text, cursor: text.count / 2)
        _ = QueryCompletion(text, cursor: text.count)
    }

    @Test("Fragments of queries in any order parse and print, or get an error within the text", arguments: 0..<20)
    func fragments(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let count = Int.random(in: 1...14, using: &generator)
            check((0..<count).compactMap { _ in Self.fragments.randomElement(using: &generator) }.joined())
        }
    }

    @Test("Mutated queries parse and print, or get an error within the text", arguments: 0..<20)
    func mutations(seed: UInt64) {
        var queries = QueryGenerator(seed: seed)
        var generator = SeededGenerator(seed: seed &+ 1_000)
        for _ in 0..<100 {
            var bytes = Array(queries.query().canonical.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: index)
                default: bytes.insert(UInt8.random(in: 32...126, using: &generator), at: index)
                }
                if bytes.isEmpty { bytes = [42] }
            }
            check(String(decoding: bytes, as: UTF8.self))
        }
    }
}
