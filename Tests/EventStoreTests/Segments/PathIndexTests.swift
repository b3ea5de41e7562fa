import EventModel
import Journal
import QueryLanguage
import Testing

@testable import EventStore

struct PathIndexTests {
    @Test("Indexes of paths and tokens do not depend on how a segment came to be", arguments: 1...4)
    func mergingEqualsBuilding(seed: Int) throws {
        var random = RandomEvents(seed: UInt64(seed) + 900)
        let samples = (0..<120).map { _ in random.sample() }
        let built = try Self.segment(samples[...])
        let cuts = [0, 1, 7, 40, 41, 90, 120]
        let parts = try zip(cuts, cuts.dropFirst()).map { try Self.segment(samples[$0..<$1]) }
        let left = try Self.merged(Array(parts[..<3]))
        let merged = try Self.merged([left] + parts[3...])
        #expect(try merged.indexDigest() == built.indexDigest())
        #expect(try merged.rebuiltIndexDigest() == built.indexDigest())
    }

    @Test("An event with ten thousand keys is kept out of the index and found nevertheless")
    func wideRow() async throws {
        let keys = (0..<10_000).map { #""k\#($0)":\#($0)"# }.joined(separator: ",")
        let samples = [
            Self.sample(1, #"{"k7":7,"who":"a"}"#), Self.sample(2, "{\(keys)}"), Self.sample(3, #"{"who":"b"}"#),
        ]
        let reader = try Self.segment(samples[...])
        #expect(try reader.pathIndex().wideRows == [1])
        #expect(try reader.pathIndex().names.count == 2)
        let store = try SampleStore(samples)
        #expect(try await store.indexes("raw.k7:7").sorted() == [1, 2])
        #expect(try await store.indexes("raw.k9999:*") == [2])
        #expect(try await store.indexes("-raw.who:*") == [2])
        #expect(try await store.rows("* | stats count by raw.k7") == ["[7,2]", "[null,1]"])
    }

    @Test("A segment with more paths than the limit has no index of paths and answers the same")
    func tooManyPaths() async throws {
        let samples = (0..<UInt64(PathLimits.paths / 500 + 1)).map { event in
            let keys = (0..<500).map { #""k\#(event)_\#($0)":\#($0)"# }.joined(separator: ",")
            return Self.sample(event + 1, "{\(keys)}")
        }
        let parts = try [samples[..<4], samples[4...]].map { try Self.segment($0) }
        #expect(try parts[0].pathIndex().isComplete)
        let merged = try Self.merged(parts)
        #expect(try !merged.pathIndex().isComplete)
        #expect(try merged.indexDigest() == Self.segment(samples[...]).indexDigest())
        let store = try SampleStore(samples, segmentRows: 100)
        #expect(try await store.indexes("raw.k3_499:499") == [4])
        #expect(try await store.indexes("raw.k3_499:498") == [])
        #expect(try await store.indexes("raw.k5_1:*") == [6])
    }

    @Test("A path with too many values, or too long ones, keeps its rows and answers the same")
    func tooManyValues() async throws {
        let long = String(repeating: "x", count: PathLimits.longestValue)
        let samples = [
            Self.sample(1, #"{"p":"\#(long)","q":"same"}"#), Self.sample(2, #"{"p":"short","q":"same"}"#),
            Self.sample(3, #"{"q":"same"}"#),
        ]
        let index = try Self.segment(samples[...]).pathIndex()
        #expect(index.names.map(PathIndex.keys) == [["p"], ["q"]])
        #expect(index.entries.map(\.keepsValues) == [false, true])
        let store = try SampleStore(samples)
        #expect(try await store.indexes("raw.p:short") == [2])
        #expect(try await store.indexes("raw.p:*").sorted() == [1, 2])
        #expect(try await store.indexes("raw.p:xxx*") == [1])
        #expect(try await store.rows("* | stats count by raw.q") == [#"["same",3]"#])
    }

    /// A path in every row and without values has no data: it begins where the next one does.
    @Test("A path without data is not taken for the one behind it")
    func withoutData() async throws {
        let long = String(repeating: "x", count: PathLimits.longestValue)
        let samples = (1...3).map { Self.sample($0, #"{"p":"\#(long)","q":"same"}"#) }
        let parts = try samples.map { try Self.segment([$0][...]) }
        for part in parts {
            for entry in try part.pathIndex().entries {
                #expect(try part.pathColumn(entry).keepsValues == entry.keepsValues)
            }
        }
        let merged = try Self.merged(parts)
        #expect(try merged.indexDigest() == merged.rebuiltIndexDigest())
        #expect(try merged.differentIndexSection() == nil)
        let store = try SampleStore(samples)
        #expect(try await store.rows("raw.p:* | stats count by raw.q") == [#"["same",3]"#])
        #expect(try await store.indexes("raw.q:same").count == 3)
    }

    @Test("A path keeps up to the limit of distinct values, whole segments and merged ones alike")
    func limitOfValues() throws {
        func reader(_ values: Range<Int>) throws -> SegmentReader {
            try Self.segment(values.map { Self.sample(UInt64($0 + 1), #"{"p":\#($0)}"#) }[...])
        }
        let half = PathLimits.values / 2
        let full = try Self.merged([reader(0..<half), reader(half..<PathLimits.values)])
        #expect(try full.pathIndex().entries.map(\.valueCount) == [PathLimits.values])
        let over = try Self.merged([full, reader(PathLimits.values..<PathLimits.values + 1)])
        #expect(try over.pathIndex().entries.map(\.keepsValues) == [false])
        #expect(try over.indexDigest() == over.rebuiltIndexDigest())
    }

    @Test("A payload of 1 MiB and one nested 32 deep are indexed and found")
    func largeAndDeep() async throws {
        let deep = String(repeating: #"{"d":"#, count: 32) + #""bottom""# + String(repeating: "}", count: 32)
        let large =
            #"{"v":"\#(String(repeating: "lorem ipsum ", count: 80_000)) needle77 \#(String(repeating: "z", count: 5_000))zebra"}"#
        let store = try SampleStore([Self.sample(1, deep), Self.sample(2, large), Self.sample(3, #"{"v":"lorem"}"#)])
        let path = Array(repeating: "d", count: 32).joined(separator: ".")
        #expect(try await store.indexes("raw.\(path):bottom") == [1])
        #expect(try await store.indexes("needle77") == [2])
        #expect(try await store.indexes("*zebra") == [2])
        #expect(try await store.indexes("*zzzeb*") == [2])
        #expect(try await store.indexes("raw.v:lorem") == [3])
    }

    static func sample(_ index: UInt64, _ payload: String) -> Sample {
        Sample(index, "2026-11-01T00:00:00Z", payload: payload)
    }

    static func segment(_ samples: ArraySlice<Sample>) throws -> SegmentReader {
        let writer = try SegmentWriter(
            partition: JournalPartition(day: 0, retentionClass: 0), compressionLevel: 1)
        for sample in samples {
            try sample.sealed.withUnsafeBytes {
                try writer.append(SealedView($0), index: LeafIndex(sample.index), key: .none)
            }
        }
        guard let memory = try writer.finish() else { throw EventStoreError(.refused, "no rows") }
        return try SegmentReader(.memory(memory), name: "built")
    }

    static func merged(_ parts: [SegmentReader]) throws -> SegmentReader {
        let memory = SegmentMemory(capacity: 4_096)
        try SegmentMerger(parts, compressionLevel: 1).write(to: memory)
        return try SegmentReader(.memory(memory), name: "merged")
    }
}
