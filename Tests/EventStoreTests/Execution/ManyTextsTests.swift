import EventModel
import Foundation
import QueryLanguage
import Testing

@testable import EventStore

/// Searches for many words at once, which are looked for together.
@Suite("Searches for many texts")
struct ManyTextsTests {
    /// Words of the payloads, parts of them, and what nearly is one.
    private func words(of samples: [Sample], _ random: inout SeededNumbers) -> [String] {
        let tokens = samples.flatMap { sample in
            sample.payload.split { !$0.isLetter && !$0.isNumber }.map(String.init).filter { $0.allSatisfy(\.isASCII) }
        }
        return tokens.flatMap { token -> [String] in
            switch random.below(40) {
            case 0: [token]
            case 1: ["*\(token.dropFirst())*"]
            case 2: ["\(token.prefix(3))*"]
            case 3: ["\(token)x", "a\(random.below(1_000))"]
            case 4: ["\(token.prefix(1))*\(token.suffix(1))"]
            default: []
            }
        }
    }

    @Test("They find what any of them finds, with an index and without", arguments: 1...6)
    func disjunctions(seed: Int) async throws {
        var (random, numbers) = (RandomEvents(seed: UInt64(seed)), SeededNumbers(seed: UInt64(seed)))
        let samples = (0..<90).map { _ in random.sample() }
        let store = try SampleStore(samples, segmentRows: 40)
        let plain = try SampleStore(samples, segmentRows: 40, isIndexed: false)
        let all = words(of: samples, &numbers)
        func found(_ text: String) async throws -> Set<UInt64> { Set(try await plain.indexes(text)) }
        let (everything, success) = (Set(samples.map(\.index)), try await found("outcome:success"))
        for count in [2, 4, 5, 30] {
            let chosen = (0..<count).map { _ in numbers.pick(all) }
            var any = Set<UInt64>()
            for word in chosen { any.formUnion(try await found(word)) }
            let either = chosen.joined(separator: " OR ")
            for (text, expected) in [
                (either, any), ("-(\(either))", everything.subtracting(any)),
                (chosen.map { "-\($0)" }.joined(separator: " "), everything.subtracting(any)),
                ("(\(either)) outcome:success", any.intersection(success)),
                ("\(either) OR outcome:success", any.union(success)),
            ] {
                #expect(Set(try await store.indexes(text)) == expected, "with an index: \(text)")
                #expect(try await found(text) == expected, "without: \(text)")
            }
        }
    }

    @Test("A thousand words are one condition, asked once of each record")
    func one() async throws {
        let store = try SampleStore(ContractEvents.all)
        let words = (0..<1_000).map { "a\($0)" }
        for text in [words.joined(separator: " OR "), words.map { "-\($0)" }.joined(separator: " ")] {
            let result = try await store.search(text, SearchOptions(explains: true))
            let lines = result.explanation?.split(separator: "\n") ?? []
            let plan = try #require(lines.first { $0.hasPrefix("plan      query:") })
            #expect(plan.components(separatedBy: "index of tokens").count == 2, "\(plan.prefix(300))")
        }
    }
}
