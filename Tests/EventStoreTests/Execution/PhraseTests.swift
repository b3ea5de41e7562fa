import EventModel
import Testing

@testable import EventStore

/// Text of several tokens is looked for in packed text, of which columns, times and identifiers hold parts: none may be lost.
@Suite("Searching phrases")
struct PhraseTests {
    private static let time = "2026-11-01T10:20:30.5Z"

    /// Texts of payloads, with the values of columns that stand for parts of them.
    private static let texts: [(text: String, fields: [(Field, String)])] = [
        ("she said mrigzebra today", [(.actorName, "mrigzebra")]),
        ("she said mrigzebra today", [(.actorName, "said mrigzebra")]),
        ("she said mrigzebra today", [(.actorName, "she said mrigzebra today, and more")]),
        ("she said mrigzebra today", [(.actorName, "mrigzebra"), (.resourceName, "today")]),
        ("mrigzebra/today", [(.actorName, "mrigzebra"), (.resourceName, "/today")]),
        ("xmrigzebra/todayx", []),
        ("pull of mrigzebra/today failed", [(.vcsRepo, "mrigzebra/today")]),
        ("from 10.20.30.40 to 10.20.30.41", [(.clientIP, "10.20.30.40")]),
        ("from 10.20.30.40 to 10.20.30.41", [(.resourceName, "10.20"), (.actorName, "30.41")]),
        ("route 110.20.30.401", []),
        ("at 2026-11-01T10:20:30.5Z by mrigzebra", []),
        ("at 2026-11-01T10:20:31.250 by mrigzebra", []),
        ("commit 9f86d081884c7d659a2feaa0c55ad015 of mrigzebra", []),
        ("run f45a7e2c-8463-4ca0-a7da-9d1f7b25dab0 of mrigzebra", [(.actorName, "of mrigzebra")]),
        ("run f45a7e2c-8463-4ca0-a7da-9d1f7b25dab0 of mrigzebra", []),
        ("nothing of the kind", [(.outcomeReason, "she said mrigzebra today")]),
    ]

    private static let queries: [(query: String, isFound: Bool)] = [
        (#""she said mrigzebra today""#, true), (#""said mrigzebra""#, true), (#""mrigzebra today""#, true),
        (#""said today""#, false), ("mrigzebra/today", true), ("*igzebra/tod*", true), ("*gzebra/todayx*", true),
        (#""of mrigzebra/today failed""#, true), ("10.20.30.40", true), (#""from 10.20.30.40 to""#, true),
        ("10.20.30.4", false), ("*10.20.30.4*", true), ("20.30.41", true), ("10.20.31.40", false),
        (#""at 2026-11-01T10:20:30.5Z by mrigzebra""#, true), (#""30.5Z by mrigzebra""#, true),
        (#""31.250 by mrigzebra""#, true), (#""at 2026-11-01""#, true), (#""at 2026-11-02""#, false),
        (#""commit 9f86d081884c7d659a2feaa0c55ad015 of mrigzebra""#, true), (#""7d659a2feaa0c55ad015 of""#, true),
        (#""7d659a2feaa0c55ad0 of""#, false),
        (#""run f45a7e2c-8463-4ca0""#, true), (#""a7da-9d1f7b25dab0 of mrigzebra""#, true),
        (#""9d1f7b25dab0 of mrigzebra""#, true), (#""SAID MRIGZEBRA TODAY""#, true),
    ]

    @Test("Wherever parts of a phrase are stored, it is found", arguments: [256, 1] as [UInt64], [400, 13])
    func divided(distance: UInt64, segmentRows: Int) async throws {
        let samples = (0..<200).map { number in
            let (text, fields) = Self.texts[number % Self.texts.count]
            // Most events have the tokens, not beside each other.
            let own = number % 3 == 0 ? text : text.split(separator: " ").reversed().joined(separator: " ")
            return Sample(
                UInt64(number) * distance, Self.time, fields, payload: #"{"m":"\#(own)","at":"\#(Self.time)"}"#)
        }
        let store = try SampleStore(samples, segmentRows: segmentRows)
        let naive = try SampleStore(samples, segmentRows: segmentRows, isIndexed: false)
        for (query, isFound) in Self.queries {
            let found = try await store.indexes(query)
            #expect(try await naive.indexes(query) == found, "\(query)")
            #expect(found.isEmpty == !isFound, "\(query)")
        }
    }

    private static let tokens = [
        "said", "alpha", "10", "111", "2026", "beef", "deadbeef01", "x1", "repository", "t0", "05z", "K", "\u{212A}ey",
        "é1",
        "2026-11-01T10:20:30.5Z", "1793528430500", "f45a7e2c-8463-4ca0-a7da-9d1f7b25dab0", "10.1.2.3", "git",
    ]
    private static let separators = [" ", " ", "/", ".", ":", "-", "@", "_", ", ", "//"]

    /// Tokens with what stands between them, token first.
    private static func pieces(_ numbers: inout SeededNumbers) -> [String] {
        (0..<numbers.below(9) + 3).flatMap { _ in [numbers.pick(tokens), numbers.pick(separators)] }
    }

    /// Some neighbours.
    private static func part(_ pieces: [String], atMost count: Int, _ numbers: inout SeededNumbers) -> String {
        let start = numbers.below(pieces.count)
        return pieces[start..<min(pieces.count, start + 1 + numbers.below(count))].joined()
    }

    @Test("Random phrases are found where a naive search finds them", arguments: 1...6 as ClosedRange<UInt64>)
    func random(seed: UInt64) async throws {
        var numbers = SeededNumbers(seed: seed)
        var all: [[String]] = []
        let samples = (0..<150).map { number -> Sample in
            // Some texts come again, so that a phrase is in more than one event.
            let pieces = number % 5 == 4 ? numbers.pick(all) : Self.pieces(&numbers)
            all.append(pieces)
            var fields: [(Field, String)] = []
            for field in [Field.actorName, .resourceName, .vcsRepo, .outcomeReason] where numbers.below(3) > 0 {
                let value = Self.part(pieces, atMost: 5, &numbers)
                fields.append((field, value))
            }
            return Sample(
                UInt64(number) * 40, Self.time, fields,
                payload: #"{"m":"\#(pieces.joined())","n":\#(number),"o":"\#(Self.part(pieces, atMost: 4, &numbers))"}"#
            )
        }
        let store = try SampleStore(samples, segmentRows: 80)
        let naive = try SampleStore(samples, segmentRows: 80, isIndexed: false)
        var hits = 0
        for _ in 0..<150 {
            var text = Self.part(numbers.pick(all), atMost: 7, &numbers)
            if numbers.below(2) == 0, text.count > 4 {
                text = String(text.dropFirst(numbers.below(2)).dropLast(numbers.below(2)))
            }
            let isPlain = text.allSatisfy { $0.isLetter || $0.isNumber || "./-_".contains($0) }
            let query = isPlain && !text.hasPrefix("-") && numbers.below(2) == 0 ? "*\(text)*" : "\"\(text)\""
            guard text.contains(where: { $0 != " " }) else { continue }
            let found = try await store.indexes(query)
            #expect(try await naive.indexes(query) == found, "\(query)")
            hits += found.count
        }
        #expect(hits > 150)
    }
}
