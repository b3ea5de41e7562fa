import EventModel
import QueryLanguage
import Testing

@testable import EventStore

/// Three evaluations of one filter agree: segments by their columns, records one at a time, and a naive reference.
@Suite struct FilterPropertyTests {
    @Test("Columns, records and the naive reference agree on random filters over random events", arguments: 1...8)
    func agreement(seed: Int) async throws {
        var random = RandomEvents(seed: UInt64(seed))
        let samples = (0..<90).map { _ in random.sample() }
        let store = try SampleStore(samples, segmentRows: 40)
        let plain = try SampleStore(samples, segmentRows: 40, isIndexed: false)
        let references = samples.map { NaiveReference($0) }
        var parsed = 0
        for _ in 0..<150 {
            let text = random.filter()
            guard let query = try? Query(parsing: text, now: SampleStore.now) else { continue }
            parsed += 1
            let expected = zip(samples, references).filter { $1.matches(query.filter) }.map(\.0.index)
            let columns = try await store.indexes(text).sorted()
            #expect(columns == expected, "segments: \(text)")
            #expect(try await plain.indexes(text).sorted() == expected, "rows without an index: \(text)")
            let records = try Self.recordMatches(samples, query.filter)
            #expect(records == expected, "records: \(text)")
        }
        #expect(parsed > 100)
    }

    @Test("They agree when fields are hidden, too", arguments: 1...4)
    func agreementWithHiddenGroups(seed: Int) async throws {
        var random = RandomEvents(seed: UInt64(seed) + 100)
        let samples = (0..<80).map { _ in random.sample() }
        let store = try SampleStore(samples, segmentRows: 30)
        let references = samples.map { NaiveReference($0) }
        let hiddenSets: [Set<FieldGroup>] = [
            [.raw], [.actor], [.resource, .raw], [.network, .text], [.actor, .raw, .text],
        ]
        for round in 0..<100 {
            let text = random.filter()
            guard let query = try? Query(parsing: text, now: SampleStore.now) else { continue }
            let hidden = hiddenSets[round % hiddenSets.count]
            let visible = Set(FieldGroup.allCases).subtracting(hidden)
            let expected = zip(samples, references).filter { $1.matches(query.filter, hidden: hidden) }.map(\.0.index)
            var request = try store.request(text)
            request.visibleGroups = visible
            let found = try await store.store.search(request, SearchOptions(limit: 10_000))
            #expect(found.events.map(\.index.rawValue).sorted() == expected, "segments: \(text) without \(hidden)")
            #expect(
                try Self.recordMatches(samples, query.filter, visible) == expected, "records: \(text) without \(hidden)"
            )
        }
    }

    private static func recordMatches(
        _ samples: [Sample], _ filter: Filter, _ visible: Set<FieldGroup> = Set(FieldGroup.allCases)
    ) throws -> [UInt64] {
        let predicate = EventPredicate(filter, visibleGroups: visible)
        let parser = JSONParser()
        return try samples.filter { sample in
            try sample.sealed.withUnsafeBytes {
                predicate.matches(try SealedView($0), index: LeafIndex(sample.index), parser: parser)
            }
        }.map(\.index)
    }
}
