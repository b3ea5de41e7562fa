import EventModel
import Testing

@testable import EventStore

/// Parts of words are looked for in columns that can have them and in packed text: nothing that is somewhere else may be lost.
@Suite("Searching parts of words")
struct PartOfWordTests {
    /// Where an event has the word.
    private enum Place: CaseIterable {
        case payload, column, both, list, residue, ext, capitals, letters, path
    }

    private static func sample(_ index: UInt64, _ place: Place?, _ word: String) -> Sample {
        let time = "2026-11-01T00:00:00Z"
        let digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
        switch place {
        case nil: return Sample(index, time, [(.actorName, "someone")], payload: #"{"a":"nothing \#(index)"}"#)
        case .payload: return Sample(index, time, payload: #"{"a":"x-\#(word)/\#(digest)"}"#)
        case .column: return Sample(index, time, [(.resourceName, "team/\(word)")])
        // The payload refers to the column's value.
        case .both: return Sample(index, time, [(.actorName, word)], payload: #"{"actor":"\#(word)","d":"\#(digest)"}"#)
        case .list: return Sample(index, time, lists: [(.artifactName, ["first", "a \(word)"])])
        case .residue: return Sample(index, time, [(.outcomeReason, "said \(word)")])
        case .ext: return Sample(index, time, extensions: [("note", word)])
        case .capitals: return Sample(index, time, [(.action, word.uppercased())])
        case .letters: return Sample(index, time, [(.actorName, "Ä\(word)")], payload: #"{"a":"Ä\#(word)Ö"}"#)
        case .path: return Sample(index, time, payload: #"{"\#(word)":1}"#)
        }
    }

    @Test(
        "Wherever an event has it, it is found, beside many others and beside none",
        // A bundle of each event's own, so that a look-up leaves few of many; or all events in one.
        arguments: [256, 1] as [UInt64], [400, 13])
    func everywhere(distance: UInt64, segmentRows: Int) async throws {
        let places = Place.allCases
        let samples = (0..<400).map { number in
            let place = number % 40 == 7 ? places[number / 40 % places.count] : nil
            return Self.sample(UInt64(number) * distance, place, "mrigzebra\(place.map { "\($0)" } ?? "")q")
        }
        let store = try SampleStore(samples, segmentRows: segmentRows)
        let naive = try SampleStore(samples, segmentRows: segmentRows, isIndexed: false)
        let queries =
            places.flatMap { ["*igzebra\($0)*", "mrigzebra\($0)q", "*BRA\($0)q", "*zebra\($0)q*nothing*"] }
            + [
                "*igzebr*", "*team/mrig*", "*x-mrigz*", "*a mrig*", "*e9f86d0*", "*igzebra* OR *omeon*",
                "*igzebra*q/9f86*",
            ]
        for query in queries {
            let found = try await store.indexes(query)
            #expect(try await naive.indexes(query) == found, "\(query)")
            if query.hasPrefix("*igzebra"), query.hasSuffix("*") { #expect(!found.isEmpty, "\(query)") }
        }
    }

    @Test("Parts of times are found in payloads that repeat the event's own, and in others", arguments: [400, 13])
    func times(segmentRows: Int) async throws {
        let samples = (0..<300).map { number in
            let time = "2026-11-01T00:\(10 + number % 50):07.5Z"
            let other = number % 70 == 3 ? "2026-11-02T03:04:05Z" : time
            return Sample(UInt64(number), time, payload: #"{"at":"\#(other)","n":\#(number)}"#)
        }
        let store = try SampleStore(samples, segmentRows: segmentRows)
        let naive = try SampleStore(samples, segmentRows: segmentRows, isIndexed: false)
        for (query, isFound) in [
            ("*1t00*", true), ("*01T0*", true), ("*02t03*", true), ("*5z*", true), ("*05Z*", true),
            ("*:17:07.5z*", true),
            ("*t0*", true), ("*17:07.5*", true), ("*99t0*", false),
        ] {
            let found = try await store.indexes(query)
            #expect(try await naive.indexes(query) == found, "\(query)")
            #expect(found.isEmpty == !isFound, "\(query)")
        }
    }
}
