import Connectors
import TestSupport
import Testing

@testable import Intake

@Suite("Bodies of Elasticsearch bulk requests")
struct BulkRequestTests {
    private let limits = ProtocolLimits(IntakeLimits())

    private func read(_ text: String, index: String? = nil, limits: ProtocolLimits? = nil) throws -> BulkRequest {
        try Array(text.utf8).withUnsafeBytes { try BulkRequest($0, index: index, limits: limits ?? self.limits) }
    }

    @Test(
        "Each action is followed by its document, but for a delete; ids and indexes are taken from actions, else the path"
    )
    func actions() throws {
        let body = """
            {"create":{"_index":"logs","_id":"a"}}
            {"n":1}
            {"delete":{"_id":"b"}}
            {"update":{"_id":7}}
            {"doc":{"n":2}}
            {"index":{}}\r
            {"n":3}\r

            """
        let bulk = try read(body, index: "audit")
        #expect(bulk.items.map(\.action) == [.create, .delete, .update, .index])
        #expect(bulk.items.map(\.index) == ["logs", "audit", "audit", "audit"])
        #expect(bulk.items.map(\.identifier) == ["a", "b", "7", nil])
        #expect(bulk.items.map(\.frame) == [0, nil, nil, 1])
        let documents = bulk.frames.map { String(decoding: Array(body.utf8)[$0.range], as: UTF8.self) }
        #expect(documents == [#"{"n":1}"#, #"{"n":3}"#])
        #expect(bulk.frames.map(\.identifier) == ["a", nil] && bulk.frames.map(\.part) == ["2", "7"])
    }

    @Test(
        "What is no bulk request is refused with its line",
        arguments: [
            ("\"create\"\n{}\n", "[1]"), ("{\"create\":{}}\n{}\nnonsense\n{}\n", "[3]"), ("{\"put\":{}}\n{}\n", "[1]"),
            ("{\"create\":{},\"index\":{}}\n{}\n", "[1]"), ("{\"create\":{}}\n", "line 1"),
            ("{\"index\":[]}\n{}\n", "[1]"),
        ])
    func malformed(body: String, place: String) throws {
        let error = try #require(throws: IntakeError.self) { try read(body) }
        #expect(error.code == .malformed && error.reason.contains(place), "\(error)")
    }

    @Test("A document that is no object is refused alone; too many actions are refused as a whole")
    func documents() throws {
        let bulk = try read("{\"index\":{}}\n[1]\n{\"index\":{}}\n{}\n")
        #expect(bulk.frames.map { $0.refusal == nil } == [false, true])
        var few = IntakeLimits()
        few.eventsPerDelivery = 1
        let error = try #require(throws: IntakeError.self) {
            try read("{\"index\":{}}\n{}\n{\"index\":{}}\n{}\n", limits: ProtocolLimits(few))
        }
        #expect(error.code == .tooManyEvents)
    }

    @Test("Changed bytes are read or refused, and every frame lies in the body", arguments: 0..<40)
    func fuzz(seed: Int) {
        let sample = Array(
            "{\"create\":{\"_index\":\"l\",\"_id\":\"1\"}}\n{\"a\":1}\n{\"delete\":{\"_id\":\"2\"}}\n".utf8)
        var mutator = ByteMutator(
            seed: UInt64(seed), pieces: [Array("\n".utf8), Array("{\"index\":{}}\n".utf8), [0xFF]])
        for _ in 0..<100 {
            let bytes = mutator.mutated(sample, mixedWith: sample)
            let bulk = try? bytes.withUnsafeBytes { try BulkRequest($0, index: nil, limits: limits) }
            for frame in bulk?.frames ?? [] {
                #expect(frame.range.lowerBound >= 0 && frame.range.upperBound <= bytes.count)
            }
        }
    }
}
