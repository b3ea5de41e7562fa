import EventModel
import QueryLanguage
import Testing

@testable import Detection

@Suite("Parts of the detection engine, against naive ones")
struct EnginePartsTests {
    @Test("The index of substrings finds what a search for each literal finds")
    func substrings() {
        for seed in 1...40 {
            var random = CorrelationSamples.Random(seed: UInt64(seed))
            func text(_ length: Int) -> [UInt8] { (0..<length).map { _ in UInt8(ascii: "a") + UInt8(random.next(3)) } }
            let literals = (0..<60).map { number in
                SubstringIndex.Literal(
                    bytes: text(1 + random.next(9)), isAtStart: random.next(4) == 0, isAtEnd: random.next(4) == 0,
                    number: Int32(number))
            }
            let index = SubstringIndex(literals)
            for _ in 0..<40 {
                let bytes = text(random.next(14))
                var found: Set<Int32> = []
                bytes.withUnsafeBytes {
                    index.forEachMatch(in: $0, isKnown: { found.contains($0) }) { found.insert($0) }
                }
                let expected = literals.filter { literal in
                    guard literal.bytes.count <= bytes.count else { return false }
                    return (0...(bytes.count - literal.bytes.count)).contains { start in
                        Array(bytes[start..<start + literal.bytes.count]) == literal.bytes
                            && (!literal.isAtStart || start == 0)
                            && (!literal.isAtEnd || start + literal.bytes.count == bytes.count)
                    }
                }.map(\.number)
                #expect(found == Set(expected))
            }
        }
    }

    @Test("One walk finds the values that a look-up of each name finds")
    func names() throws {
        let names = ["a", "a.b", "a.b.c", "b", "c.a", "a.c", "b.b.b.b"]
        let keys = ["a", "b", "c", "a.b", "b.c", "a.b.c", "b.b"]
        for seed in 1...300 {
            var random = CorrelationSamples.Random(seed: UInt64(seed))
            func json(_ depth: Int) -> String {
                switch depth == 0 ? 2 : random.next(4) {
                case 0, 1:
                    let members = keys.filter { _ in random.next(3) == 0 }.map { "\"\($0)\":\(json(depth - 1))" }
                    return "{\(members.joined(separator: ","))}"
                case 3: return "[\((0..<random.next(3)).map { _ in json(depth - 1) }.joined(separator: ","))]"
                default: return "\(random.next(9))"
                }
            }
            let document = "{\"a\":\(json(3)),\"b\":\(json(3)),\"a.b\":\(json(2))}"
            let text = names.enumerated().map { number, name in
                "title: r\(number)\nlogsource: {category: supply_chain}\ndetection: {s: {\(name): 99}, condition: s}\n"
            }.joined(separator: "---\n")
            let rules = Samples.rules(text)
            let program = CompiledRules(rules).programOfEverything()
            let values = EventValues()
            try JSONParser().withDocument(Array(document.utf8)) { root in
                values.begin(program, view: nil, payload: root)
                for (field, access) in program.fields.enumerated() {
                    var expected: [String] = []
                    let isFound = access.paths[0].forEachValue(in: root) { value in Self.scalars(value, into: &expected)
                    }
                    let slot = values.resolve(field)
                    let found = (slot.first..<slot.end).map { String(decoding: values.text($0), as: UTF8.self) }
                    #expect(slot.isFound == isFound && found == expected, "\(document)")
                }
                values.end()
            }
        }
    }

    private static func scalars(_ value: JSONValue, into texts: inout [String]) {
        switch value.kind {
        case .array: for element in value.elements { scalars(element, into: &texts) }
        case .object:
            var bytes: [UInt8] = []
            JSONText.append(value, to: &bytes)
            texts.append(String(decoding: bytes, as: UTF8.self))
        default: texts.append(value.scalarText ?? "")
        }
    }

    @Test("Expressions matched together give the answers of each by itself")
    func regexes() throws {
        let expressions =
            try ["^a+b$", "(?i)x.y", "\\d{3}", "end$", "^", "[[:upper:]]"].map { try LinearRegex($0) }
            + [
                try LinearRegex("x.y", options: .init(dotMatchesNewline: true)),
                try LinearRegex("^l", options: .init(isMultiLine: true)),
            ]
        let set = try #require(LinearRegexSet(expressions))
        for text in ["", "aab", "X-Y", "x\ny", "12 345", "the end", "one\nline", "Über"] {
            let bytes = Array(text.utf8)
            var places: [Int32] = []
            #expect(bytes.withUnsafeBytes { set.matches($0, into: &places) })
            let expected = expressions.indices.filter { place in
                bytes.withUnsafeBytes { expressions[place].matches($0) }
            }
            #expect(places.map(Int.init).sorted() == expected, "\(text)")
        }
    }

    @Test("Answers do not depend on what the cache of values still holds")
    func cache() throws {
        let rules = Samples.rule("s: {a|contains: '7', b|re: '^x'}\ncondition: s")
        let program = CompiledRules(rules).programOfEverything()
        let small = EventEvaluator(cachedValues: 4)
        let large = EventEvaluator()
        let parser = JSONParser()
        for step in 0..<500 {
            let text = #"{"a":"value \#(step % 90)","b":["x\#(step % 7)",\#(step)]}"#
            try parser.withDocument(Array(text.utf8)) { root in
                var found: [Int] = []
                for evaluator in [small, large] {
                    var count = 0
                    evaluator.evaluate(program, view: nil, payload: root) { _ in count += 1 }
                    evaluator.values.end()
                    found.append(count)
                }
                #expect(found[0] == found[1] && (found[0] == 1) == String(step % 90).contains("7"))
            }
        }
    }
}
