import Connectors
import EventModel
import Foundation
import TestSupport
import Testing

@testable import Intake

@Suite("CloudEvents in their three modes")
struct CloudEventReaderTests {
    private let limits = ProtocolLimits(IntakeLimits())
    private let headers = [
        ("ce-specversion", "1.0"), ("Ce-Id", "7"), ("ce-source", "/ci"), ("ce-type", "dev.build"),
        ("ce-time", "2026-11-20T10:00:00Z"), ("ce-subject", "Euro%20%E2%82%AC"), ("ce-note", "\"a \\\"b\\\"\""),
        ("ce-datacontenttype", "text/plain"), ("Content-Type", "application/json"),
    ]

    private func read(
        _ body: String, _ type: String?, _ headers: [(String, String)] = []
    ) throws -> CloudEventReader {
        try CloudEventReader(
            Array(body.utf8), contentType: type, headers: headers.map { (name: $0.0, value: $0.1) }, limits: limits)
    }

    private func object(_ reader: CloudEventReader) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(reader.body)) as? [String: Any])
    }

    @Test("The binary mode's headers and body become the event's JSON form")
    func binary() throws {
        let reader = try read(#"{"a":1}"#, "application/json", headers)
        let event = try object(reader)
        #expect(event["id"] as? String == "7" && event["subject"] as? String == "Euro €")
        #expect(event["note"] as? String == "a \"b\"" && event["datacontenttype"] as? String == "application/json")
        #expect((event["data"] as? [String: Any])?["a"] as? Int == 1)
        #expect(reader.frames.first?.identifier == "/ci#7")
        #expect(reader.frames.first?.time == Timestamp(parsing: "2026-11-20T10:00:00Z"))
        #expect(try object(read("plain", "text/plain", headers))["data"] as? String == "plain")
        #expect(try object(read("\u{1}", "application/octet-stream", headers))["data_base64"] as? String == "AQ==")
        #expect(try object(read("", nil, headers))["data"] == nil)
    }

    @Test("A structured event is kept as it was sent; of a batch each event stands alone and a bad one spoils none")
    func structuredAndBatched() throws {
        let event = #"{ "specversion":"1.0","id":"1","source":"/s","type":"t" }"#
        let one = try read(event, "application/cloudevents+json; charset=UTF-8")
        #expect(String(decoding: one.body, as: UTF8.self) == event)
        let batch = try read("[\(event),{\"id\":\"2\"},7]", "application/cloudevents-batch+json")
        #expect(batch.frames.map { $0.refusal == nil } == [true, false, false])
        #expect(try read("[]", "application/cloudevents-batch+json").frames.isEmpty)
    }

    @Test(
        "What is no CloudEvent is refused with what is missing",
        arguments: [
            ("{}", "application/cloudevents+json"), ("{}", "application/json"), ("<a/>", "application/cloudevents+xml"),
            ("{", "application/cloudevents-batch+json"),
            (#"{"specversion":"2.0","id":"1","source":"/s","type":"t"}"#, "application/cloudevents+json"),
        ])
    func refused(body: String, type: String) throws {
        let error = try #require(throws: IntakeError.self) { try read(body, type) }
        #expect(error.code == .malformed)
    }

    @Test("Overlong UTF-8 in a header is refused; data that is not the JSON it claims to be, too")
    func badHeaders() throws {
        let overlong = headers.map { $0.0 == "ce-subject" ? ($0.0, "%C0%A0") : $0 }
        #expect(throws: IntakeError.self) { try read("{}", "application/json", overlong) }
        #expect(throws: IntakeError.self) { try read("{a}", "application/json", headers) }
    }

    @Test("Changed bytes are read or refused", arguments: 0..<20)
    func fuzz(seed: Int) {
        let sample = #"[{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"a":[1]}}]"#
        var mutator = ByteMutator(seed: UInt64(seed), pieces: [Array("\"id\":".utf8), Array("[[[".utf8), [0xFF]])
        for _ in 0..<100 {
            let bytes = mutator.mutated(Array(sample.utf8))
            _ = try? CloudEventReader(
                bytes, contentType: "application/cloudevents-batch+json", headers: [], limits: limits)
            _ = CloudEventReader.decode(String(decoding: bytes, as: UTF8.self))
        }
    }
}
