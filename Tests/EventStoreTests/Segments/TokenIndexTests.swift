import EventModel
import QueryLanguage
import Testing

@testable import EventStore

struct TokenIndexTests {
    /// Row n is leaf 256 n: each row is a bundle of its own.
    private func reader(_ payloads: [String]) throws -> SegmentReader {
        try PathIndexTests.segment(
            payloads.enumerated().map { PathIndexTests.sample(UInt64($0 * 256), $1) }[...])
    }

    private func rows(_ reader: SegmentReader, _ match: TextMatch) throws -> [Int]? {
        guard let index = try TokenIndex(reader) else { return nil }
        return try index.bundles(with: TextPredicate(match).requiredTokens).map {
            Array(RowSet(of: $0, try reader.bundleMap()))
        }
    }

    @Test("Words, parts of words and identifiers name their bundles and no others")
    func lookUps() throws {
        let digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
        let reader = try reader([
            "alpha beta", "Alphabet \(digest)", "42 gamma_ray", "beta 0192f4a5-58cc-7abc-8def-0123456789ab", "ÄÖÜ x",
        ])
        #expect(try rows(reader, .word("ALPHA")) == [0])
        #expect(try rows(reader, .word("beta")) == [0, 3])
        #expect(try rows(reader, .word("delta")) == [])
        #expect(try rows(reader, .wordPrefix("alph")) == [0, 1])
        #expect(try rows(reader, .wordSuffix("bet")) == [1])
        #expect(try rows(reader, .substring("ma_r")) == [2])
        #expect(try rows(reader, .word(digest)) == [1])
        #expect(try rows(reader, .word("42")) == [2])
        #expect(try rows(reader, .word("58cc")) == [3])
        #expect(try rows(reader, .word("äöü")) == [4])
        #expect(try rows(reader, .word("beta 0192f4a5")) == [3])
        // A part of digits may be inside of any identifier.
        #expect(try rows(reader, .substring("6d15b0")) == nil)
    }

    @Test("An identifier with a letter is found by its beginning, as short commits are written, and so is a word")
    func beginningsOfIdentifiers() throws {
        let commit = "3ba2068ce81cdd65fa3c0e2b1d2f4a5b6c7d8e9f"
        let long = "3ba2" + String(repeating: "f", count: TokenScanner.maximumWordBytes)
        let reader = try reader([
            "commit \(commit)", "3BA2F68C-58cc", "3ba2", "3ba2e68d 3ba", "3ba2zebra", "12345678 3b", long, "plain",
        ])
        #expect(try rows(reader, .wordPrefix("3ba2068")) == [0, 6])
        #expect(try rows(reader, .wordPrefix("3BA2F")) == [1, 6])
        // More digits than are stored rule nothing out: the records decide.
        #expect(try rows(reader, .wordPrefix("3ba2f68c9")) == [1, 6])
        #expect(try rows(reader, .wordPrefix("3ba2")) == [0, 1, 2, 3, 4, 6])
        #expect(try rows(reader, .wordPrefix("3b")) == [0, 1, 2, 3, 4, 5, 6])
        #expect(try rows(reader, .wordPrefix("3bb")) == [6])
        #expect(try rows(reader, .word(commit)) == [0])
        #expect(try rows(reader, .word("3ba2")) == [2])
        // Decimal digits may begin a number, of which the hash alone is stored.
        #expect(try rows(reader, .wordPrefix("12")) == nil)
        #expect(try rows(reader, .wordSuffix("9f")) == nil)
    }

    @Test(
        "An IPv4 address is found as a whole, however much its numbers are everywhere and whatever stands for a part of it"
    )
    func addresses() throws {
        func sample(_ row: UInt64, _ text: String, _ fields: [(Field, String)] = []) -> Sample {
            Sample(
                row * 256, "2026-11-01T00:00:00Z", fields,
                payload: #"{"m":"\#(text)","n":"10.20.30.0 10.20.0.40 1.20.30.40 10.20.30.400"}"#)
        }
        let reader = try PathIndexTests.segment(
            [
                sample(0, "from 10.20.30.40 on"), sample(1, "10.20.30.41"), sample(2, "v10.20.30.40"),
                sample(3, "1.10.20.30.40.5"), sample(4, "nothing", [(.clientIP, "10.20.30.40")]),
                sample(5, "10.20.30.40", [(.actorName, "10.20")]), sample(6, "10.20.30.40", [(.actorName, "30.40")]),
                sample(7, "at 10.20.30.40", [(.actorName, "at 10.20.30")]), sample(8, "10.20.30.0040"),
                sample(9, "10.20.30.40:443", [(.resourceName, "10.20.30.40:443")]),
                sample(10, "nothing", [(.outcomeReason, "by 10.20.30.40")]), sample(11, "10.20.30.40x"),
                sample(12, "10.20..30.40"), sample(13, "10.20.30.40", [(.actorName, "10.20.30.40")]),
            ][...])
        #expect(try rows(reader, .word("10.20.30.40")) == [0, 3, 4, 5, 6, 7, 9, 10, 13])
        #expect(try rows(reader, .word("from 10.20.30.40")) == [0])
        #expect(try rows(reader, .word("10.20.30.40:443")) == [9])
        #expect(try rows(reader, .word("1.10.20.30")) == [3])
        #expect(try rows(reader, .word("9.20.30.40")) == [])
        // A part of an address is in any bundle that has its numbers.
        #expect(try rows(reader, .word("10.20.30"))?.count == 14)
        #expect(try rows(reader, .wordPrefix("10.20.30.4"))?.count == 14)
        #expect(try rows(reader, .substring("10.20.30.40"))?.count == 14)
    }

    @Test("A word beyond the limit is found as a whole, and its bundle is never ruled out for a part")
    func opaqueWords() throws {
        let long = String(repeating: "q", count: TokenScanner.maximumWordBytes + 1)
        let reader = try reader(["alpha", long, "beta"])
        #expect(try rows(reader, .word(long)) == [1])
        #expect(try rows(reader, .substring("qqq")) == [1])
        #expect(try rows(reader, .substring("lph")) == [0, 1])
    }

    @Test("Many words and identifiers are found across blocks, also when every bundle holds them")
    func manyBlocks() throws {
        let payloads = (0..<400).map { row in "common 7 word\(row)x id\(row * 7 % 400)z \(1_000_000 + row) \(row % 5)" }
        let reader = try reader(payloads)
        for row in [0, 1, 63, 64, 65, 127, 200, 398, 399] {
            #expect(try rows(reader, .word("word\(row)x")) == [row])
            #expect(try rows(reader, .word("\(1_000_000 + row)")) == [row])
        }
        #expect(try rows(reader, .word("common"))?.count == 400)
        #expect(try rows(reader, .word("7"))?.count == 400)
        #expect(try rows(reader, .word("3"))?.count == 80)
        #expect(try rows(reader, .substring("ord39"))?.count == 11)
    }

    @Test("A part of words names the columns that hold one of them, and no others; merging changes nothing")
    func fields() throws {
        let long = String(repeating: "q", count: TokenScanner.maximumWordBytes + 1)
        let samples: [Sample] = [
            Sample(0, "2026-11-01T00:00:00Z", [(.actorName, "alice_admin")], payload: #"{"a":"zebra"}"#),
            Sample(1, "2026-11-01T00:00:00Z", [(.resourceName, "team/alice_x")], payload: #"{"a":"team/alice_x"}"#),
            Sample(300, "2026-11-01T00:00:00Z", [(.outcomeReason, "Ärger mit quagga")]),
            Sample(301, "2026-11-01T00:00:00Z", [(.resourceParent, "ÄRGER 12ab"), (.actorName, "zebu")]),
        ]
        let number = { (field: Field) in field.rawValue }
        for reader in [
            try PathIndexTests.segment(samples[...]),
            try PathIndexTests.merged([
                try PathIndexTests.segment(samples[..<2]), try PathIndexTests.segment(samples[2...]),
            ]),
        ] {
            let index = try #require(try TokenIndex(reader))
            #expect(try index.fields(holding: Array("alice".utf8)) == [number(.actorName), number(.resourceName)])
            #expect(try index.fields(holding: Array("team".utf8)) == [number(.resourceName)])
            #expect(try index.fields(holding: Array("zeb".utf8)) == [number(.actorName)])
            #expect(try index.fields(holding: Array("ebra".utf8)) == [])
            #expect(try index.fields(holding: Array("quagga".utf8)) == [])
            #expect(try index.fields(holding: Array("rger".utf8)) == [number(.resourceParent)])
            #expect(try index.fields(holding: Array("nowhere".utf8)) == [])
        }
        let several = try PathIndexTests.segment([
            Sample(0, "2026-11-01T00:00:00Z", [(.actorName, "shared"), (.resourceName, "shared")])
        ])
        #expect(try TokenIndex(several)?.fields(holding: Array("share".utf8)) == nil)
        let opaque = try PathIndexTests.segment([Sample(0, "2026-11-01T00:00:00Z", [(.actorName, long)])])
        #expect(try TokenIndex(opaque)?.fields(holding: Array("xyz".utf8)) == [number(.actorName)])
    }

    @Test("Damage to the index is an error that names it, not an answer")
    func damage() throws {
        let sound = try reader((0..<300).map { "word\($0) \($0) {}" })
        for kind in [SectionKind.words, .wordPostings, .identifiers, .identifierBlocks, .noted, .wordFields] {
            guard let section = sound.section(kind) else { continue }
            var bytes = sound.copiedBytes
            bytes[Int(section.offset) + Int(section.length) / 2] ^= 0xFF
            let damaged = try SegmentReader.reading(bytes)
            #expect(throws: EventStoreError.self, "\(kind)") {
                guard let index = try TokenIndex(damaged) else { return }
                for word in 0..<300 {
                    _ = try index.bundles(with: TextPredicate(.word("word\(word)")).requiredTokens)
                    _ = try index.bundles(with: TextPredicate(.word("\(word)")).requiredTokens)
                }
                _ = try index.escapedBundles()
                for word in 0..<300 { _ = try index.fields(holding: Array("word\(word)".utf8)) }
            }
        }
    }
}
