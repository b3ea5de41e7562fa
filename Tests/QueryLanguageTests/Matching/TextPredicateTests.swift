import QueryLanguage
import Testing

@Suite("Words and phrases")
struct TextPredicateTests {
    private func predicate(_ query: String) throws -> TextPredicate {
        guard case .text(let match) = try parse(query).filter else { throw NoText() }
        return TextPredicate(match)
    }

    private struct NoText: Error {}

    @Test(
        "A bare word is found between token edges, a phrase anywhere, ignoring case",
        arguments: [
            ("api", "acme/api", true), ("api", "the API.", true), ("api", "apis", false), ("api", "my_api", false),
            ("api", "api", true), ("api", "xapi api", true), ("api", "é-api", true), ("api", "éapi", false),
            ("acme/api", "github.com/acme/api/pull", true), ("acme/api", "acme api", false),
            ("acme/api", "acme/apis", false), ("acme/api", "xacme/api", false),
            ("10.0.0.1", "ip=10.0.0.1;", true), ("10.0.0.1", "10.0.0.12", false), ("10.0.0.1", "110.0.0.1", false),
            ("sha256:9f2c", "sha256:9F2C", true), ("sha256:9f2c", "sha256:9f2cd", false),
            ("[bot]", "renovate[bot]", true), ("...", "a...b", true), ("kim@", "kim@acme", true),
            ("STRASSE", "strasse", true), ("ÉCLAIR", "un éclair", true), ("éclair", "ÉCLAIR", true),
            ("\"branch protection\"", "Branch Protection rule", true), ("\"ranch prot\"", "branch protection", true),
            ("\"branch protection\"", "branch  protection", false),
            ("*miner2*", "xmrigminer2-static", true), ("*miner2*", "xmrigminer3", false),
            ("xmrig*", "xmrigminer2-static", true), ("xmrig*", "axmrig", false), ("xmrig*", "a xmrig", true),
            ("*static", "xmrigminer2-static", true), ("*static", "statics", false),
            ("svc-*-prod", "as svc-api-prod today", true), ("svc-*-prod", "svc-api prod svc-x-prod", true),
            ("svc-*-prod", "svc-api -prod", false), ("svc-*-prod", "svc-api-production", false),
            ("svc-*-prod", "svc-api-production svc-b-prod", true), ("svc-*-prod", "svc-\"-prod", false),
            ("svc-?-prod", "svc-é-prod", true), ("svc-?-prod", "svc-ab-prod", false), ("v?", "x v1 y", true),
            ("v?", "v12", false), ("?v", "av", true), ("*a*b", "xxaxxb", true), ("*a*b", "xxaxxbc", false),
            ("*a*b", "a b", false), ("a*b*", "abc", true), ("a*b*", "xabc", false),
            ("aa*a", "aaa aab", true), ("aa", "aaaa aa", true), ("aa", "aaaa aaa", false), ("*aa", "aaab caaa", true),
            ("*aa", "aaab", false), ("aa*", "baaa -aab", true), ("\\-a", "b-ab-a", true), ("a-", "a-a", true),
        ])
    func finds(query: String, text: String, isFound: Bool) throws {
        let predicate = try predicate(query)
        #expect(text.withBytes { predicate.matches($0) } == isFound)
        #expect("".withBytes { predicate.matches($0) } == false)
    }

    @Test("Words and affixes agree with the definition, tried at each place", arguments: 0..<10)
    func agreesWithDefinition(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        func bytes(_ lengths: ClosedRange<Int>) -> String {
            (0..<Int.random(in: lengths, using: &generator)).compactMap { _ in
                ["a", "a", "b", "-"].randomElement(using: &generator)
            }.joined()
        }
        for _ in 0..<2_000 {
            let (needle, text) = (bytes(1...4), bytes(0...12))
            let (wanted, searched) = (Array(needle.utf8), Array(text.utf8))
            func isEdge(_ offset: Int) -> Bool {
                guard offset > 0, offset < searched.count else { return true }
                return searched[offset - 1] == 0x2D || searched[offset] == 0x2D
            }
            let places = searched.indices.filter { searched[$0...].starts(with: wanted) }
            let expected: [(TextMatch, Bool)] = [
                (.substring(needle), !places.isEmpty), (.wordPrefix(needle), places.contains { isEdge($0) }),
                (.wordSuffix(needle), places.contains { isEdge($0 + wanted.count) }),
                (.word(needle), places.contains { isEdge($0) && isEdge($0 + wanted.count) }),
            ]
            for (match, isFound) in expected {
                #expect(text.withBytes { TextPredicate(match).matches($0) } == isFound, "\(match) in \(text)")
            }
        }
    }

    @Test("What an index may look up is in every match")
    func requiredTokens() throws {
        func tokens(_ query: String) throws -> [String] {
            try predicate(query).requiredTokens.map {
                ($0.startsToken ? "" : "*") + String(decoding: $0.bytes, as: UTF8.self) + ($0.endsToken ? "" : "*")
            }
        }
        #expect(try tokens("Acme/api") == ["acme", "api"])
        #expect(try tokens("\"branch protection rule\"") == ["*branch", "protection", "rule*"])
        #expect(try tokens("*part*") == ["*part*"])
        #expect(try tokens("part*") == ["part*"])
        #expect(try tokens("*part") == ["*part"])
        #expect(try tokens("svc-*-prod") == ["svc", "prod"])
        #expect(try tokens("a*b-c?") == ["a*", "*b", "c*"])
        #expect(try tokens("\"...\"") == [])
    }

    @Test("Required tokens are found in every text that matches", arguments: 0..<10)
    func requiredTokensAreRequired(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let alphabet = ["a", "b", "-", "_", "é", "."]
        func text(_ alphabet: [String], _ lengths: ClosedRange<Int>) -> String {
            (0..<Int.random(in: lengths, using: &generator)).compactMap { _ in
                alphabet.randomElement(using: &generator)
            }.joined()
        }
        for _ in 0..<1_000 {
            let query = text(alphabet + ["*", "?"], 1...4)
            guard !query.hasPrefix("-"), let predicate = try? predicate(query) else { continue }
            let subject = text(alphabet, 0...8)
            guard subject.withBytes({ predicate.matches($0) }) else { continue }
            let found = subject.split { !($0.isLetter || $0 == "_") }.map { Array($0.utf8) }
            for token in predicate.requiredTokens {
                let isThere = found.contains { candidate in
                    switch (token.startsToken, token.endsToken) {
                    case (true, true): candidate == token.bytes
                    case (true, false): candidate.starts(with: token.bytes)
                    case (false, true): candidate.reversed().starts(with: token.bytes.reversed())
                    case (false, false):
                        candidate.indices.contains { candidate[$0...].starts(with: token.bytes) }
                    }
                }
                #expect(isThere, "\(query) in \(subject)")
            }
        }
    }
}
