import EventModel
import Testing

@testable import EventStore

@Suite("Filters by the leaf index")
struct IndexFilterTests {
    /// Indexes with holes between them, as segments of a retention class have them.
    private static let indexes: [UInt64] = (0..<60).map { $0 * 3 + 5 }

    private func store() throws -> SampleStore {
        try SampleStore(
            Self.indexes.map { Sample($0, "2026-11-01T10:00:00Z", [(.action, $0 % 2 == 0 ? "even" : "odd")]) },
            segmentRows: 7)
    }

    @Test(
        "Every comparison finds exactly the indexes for which it holds",
        arguments: [0, 4, 5, 6, 80, 182, 183, 5_000, -3])
    func comparisons(number: Int) async throws {
        let store = try store()
        func found(_ query: String) async throws -> Set<Int> { Set(try await store.indexes(query).map { Int($0) }) }
        let all = Set(Self.indexes.map { Int($0) })
        #expect(try await found("index:>=\(number)") == all.filter { $0 >= number })
        #expect(try await found("index:>\(number)") == all.filter { $0 > number })
        #expect(try await found("index:<=\(number)") == all.filter { $0 <= number })
        #expect(try await found("index:<\(number)") == all.filter { $0 < number })
        #expect(try await found("index:=\(number)") == all.filter { $0 == number })
        #expect(try await found("-index:>=\(number)") == all.filter { $0 < number })
        #expect(try await found("index:\(number)..\(number + 20)") == all.filter { $0 >= number && $0 <= number + 20 })
        #expect(try await found("index:>=\(number) action:odd") == all.filter { $0 >= number && $0 % 2 == 1 })
        #expect(try await found("(index:<\(number) OR index:8)") == all.filter { $0 < number || $0 == 8 })
    }

    @Test("Patterns and fractions of an index are asked of each row")
    func others() async throws {
        let store = try store()
        #expect(try await store.indexes("index:/^1.$/").count == Self.indexes.count { (10..<20).contains($0) })
        #expect(try await store.indexes("index:>100.5").count == Self.indexes.count { $0 > 100 })
        #expect(try await store.indexes("index:(5 OR 8)").count == 2)
        #expect(try await store.indexes("index:*").count == Self.indexes.count)
    }

    @Test("Segments whose leaves are all outside are not read")
    func pruning() async throws {
        let store = try store()
        let last = try #require(Self.indexes.last)
        let found = try await store.search("index:>=\(last)")
        #expect(found.statistics.matched == 1 && found.statistics.segmentsRead == 1)
        #expect(try await store.search("index:>\(last)").statistics.segmentsRead == 0)
    }
}
