import Crypto
import EventModel
import Journal
import QueryLanguage

@testable import EventStore

/// An event for tests: fields by their names, and the payload.
struct Sample: Sendable {
    var index: UInt64
    var time: Timestamp
    var received: Timestamp
    var fields: [(Field, [String])]
    var extensions: [(String, String)] = []
    var payload: String

    init(
        _ index: UInt64, _ time: String, received: String? = nil, _ fields: [(Field, String)] = [],
        lists: [(Field, [String])] = [], extensions: [(String, String)] = [], payload: String = "{}"
    ) {
        self.index = index
        self.time = moment(time)
        self.received = moment(received ?? time)
        self.fields = fields.map { ($0, [$1]) } + lists
        self.extensions = extensions
        self.payload = payload
    }

    var sealed: [UInt8] {
        var record = EventRecord()
        record.set(.time, time: time)
        record.set(.received, time: received)
        for (field, values) in fields {
            for (element, value) in values.enumerated() { record.set(field, element: element, value) }
        }
        for (key, value) in extensions { record.addExtension(key, value) }
        var bytes: [UInt8] = []
        var payload = payload
        payload.withUTF8 { _ = SealedForm.append(&record, payload: UnsafeRawBufferPointer($0), to: &bytes) }
        return bytes
    }
}

func moment(_ text: String) -> Timestamp {
    guard let moment = Timestamp(parsing: text) else { preconditionFailure("\(text) is no time") }
    return moment
}

/// A store over samples, cut into segments of a few rows.
struct SampleStore {
    static let now = moment("2026-11-23T12:00:00Z")

    let store: EmbeddedEventStore
    let segments: [any EventRows]

    init(
        _ samples: [Sample], segmentRows: Int = 13, isIndexed: Bool = true, limits: SearchLimits = SearchLimits(),
        now: Timestamp = Self.now
    ) throws {
        let ordered = samples.sorted { $0.index < $1.index }
        var segments: [any EventRows] = []
        for start in stride(from: 0, to: ordered.count, by: segmentRows) {
            let part = ordered[start..<min(ordered.count, start + segmentRows)]
            segments.append(
                isIndexed
                    ? try Self.segment(part) : try MemoryRows(part.map { (LeafIndex($0.index), $0.sealed) }))
        }
        self.segments = segments
        let snapshot = segments
        store = EmbeddedEventStore(
            snapshot: { snapshot }, cursorKey: SymmetricKey(data: [UInt8](repeating: 7, count: 32)), limits: limits,
            // Time stands still: how busy the machine is must not decide a test.
            now: { now }, clock: { 0 })
    }

    /// A segment with all its indexes, merged from two.
    static func segment(_ samples: ArraySlice<Sample>) throws -> SegmentReader {
        let middle = samples.startIndex + samples.count / 2
        let halves = try [samples[..<middle], samples[middle...]].compactMap { part -> SegmentReader? in
            let writer = try SegmentWriter(
                partition: JournalPartition(day: 0, retentionClass: 0), compressionLevel: 1)
            for sample in part {
                try sample.sealed.withUnsafeBytes {
                    try writer.append(SealedView($0), index: LeafIndex(sample.index), key: .none)
                }
            }
            return try writer.finish().map { try SegmentReader(.memory($0), name: "half") }
        }
        let memory = SegmentMemory(capacity: 4_096)
        try SegmentMerger(halves, compressionLevel: 1).write(to: memory)
        return try SegmentReader(.memory(memory), name: "merged")
    }

    func request(_ text: String, since: String? = "2000-01-01", until: String? = nil) throws -> SearchRequest {
        SearchRequest(
            query: try Query(parsing: text, now: Self.now), since: since.map(moment), until: until.map(moment))
    }

    func search(
        _ text: String, since: String? = "2000-01-01", until: String? = nil, _ options: SearchOptions = SearchOptions()
    ) async throws -> QueryResult {
        try await store.search(request(text, since: since, until: until), options)
    }

    /// The leaf indexes of the events found, in the order found.
    func indexes(_ text: String, since: String? = "2000-01-01", until: String? = nil) async throws -> [UInt64] {
        try await search(text, since: since, until: until, SearchOptions(limit: 10_000)).events.map(\.index.rawValue)
    }

    /// The rows of a table as JSON texts.
    func rows(_ text: String) async throws -> [String] {
        try await search(text).rows.map { row in
            var bytes: [UInt8] = []
            QueryValue.list(row).appendJSON(to: &bytes)
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}
