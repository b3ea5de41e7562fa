import QueryLanguage
import Testing

@Suite("Many texts at once")
struct TextSetPredicateTests {
    private func text(_ lengths: ClosedRange<Int>, _ alphabet: [String], _ generator: inout SeededGenerator) -> String {
        (0..<Int.random(in: lengths, using: &generator)).compactMap { _ in alphabet.randomElement(using: &generator) }
            .joined()
    }

    @Test("They find what each of them finds alone", arguments: 0..<10)
    func agreesWithEach(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let alphabet = ["a", "a", "B", "-", "é", "K", "0"]
        for _ in 0..<200 {
            let matches = try (0..<Int.random(in: 1...12, using: &generator)).map { _ -> TextMatch in
                let word = text(1...4, alphabet, &generator)
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: return .word(word)
                case 1: return .substring(word)
                case 2: return .wordPrefix(word)
                case 3: return .wordSuffix(word)
                default:
                    let pattern = "\(word)*\(text(0...2, ["a", "?", "b"], &generator))?"
                    guard case .text(let match) = try parse(pattern).filter else { return .word(word) }
                    return match
                }
            }
            let set = TextSetPredicate(matches)
            #expect(set.requiredTokens == matches.map { TextPredicate($0).requiredTokens })
            for _ in 0..<40 {
                let searched = text(0...16, alphabet + [" ", "b", "k"], &generator)
                let expected = matches.contains { match in searched.withBytes { TextPredicate(match).matches($0) } }
                #expect(searched.withBytes { set.matches($0) } == expected, "\(matches) in \(searched)")
            }
        }
    }

    @Test("One that begins, ends or continues another is found beside it")
    func overlaps() {
        let set = TextSetPredicate(["he", "she", "hers", "his", "ers-"].map { .word($0) })
        for (searched, isFound) in [
            ("she", true), ("ushers", false), ("us hers", true), ("xers-", false), ("x ers-", true), ("shehe", false),
            ("this", false), ("hers", true), ("HIS", true), ("", false),
        ] {
            #expect(searched.withBytes { set.matches($0) } == isFound, "\(searched)")
        }
    }

    @Test("Searches without a literal are asked by themselves, and none finds nothing")
    func withoutLiterals() throws {
        let set = TextSetPredicate([.substring(""), .word("x")])
        #expect("abc".withBytes { set.matches($0) })
        #expect("abc".withBytes { TextSetPredicate([]).matches($0) } == false)
    }
}
