import Connectors
import Foundation
import TestSupport
import Testing

@testable import Intake

@Suite("OTLP log exports")
struct LogExportTests {
    private let limits = ProtocolLimits(IntakeLimits())

    // MARK: Building messages

    private func message(_ fields: (inout ProtobufWriter) -> Void) -> [UInt8] {
        var writer = ProtobufWriter()
        fields(&writer)
        return writer.bytes
    }

    private func text(_ value: String) -> [UInt8] { message { $0.field(1, bytes: Array(value.utf8)) } }

    private func pair(_ key: String, _ value: [UInt8]) -> [UInt8] {
        message {
            $0.field(1, bytes: Array(key.utf8))
            $0.field(2, bytes: value)
        }
    }

    private func fixed64(_ number: UInt8, _ value: UInt64) -> [UInt8] {
        [number << 3 | 1] + (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }

    private func export(_ records: [[UInt8]]) -> [UInt8] {
        message { request in
            request.field(
                1,
                bytes: message { logs in
                    logs.field(1, bytes: message { $0.field(1, bytes: pair("service.name", text("api"))) })
                    logs.field(
                        2,
                        bytes: message { scope in
                            scope.field(1, bytes: message { $0.field(1, bytes: Array("audit".utf8)) })
                            for record in records { scope.field(2, bytes: record) }
                        })
                })
        }
    }

    private func record() -> [UInt8] {
        fixed64(1, 1_763_632_800_000_000_000)
            + message {
                $0.field(2, varint: 9)
                $0.field(3, bytes: Array("INFO".utf8))
                $0.field(5, bytes: text("user \"mona\" logged in"))
                $0.field(6, bytes: pair("user.name", text("mona")))
                $0.field(6, bytes: pair("count", message { $0.field(3, varint: UInt64(bitPattern: -2)) }))
                $0.field(6, bytes: pair("ok", message { $0.field(2, varint: 1) }))
                $0.field(
                    6, bytes: pair("tags", message { $0.field(5, bytes: message { $0.field(1, bytes: text("a")) }) }))
                $0.field(9, bytes: (0..<16).map { UInt8($0 + 1) })
                $0.field(12, bytes: Array("session.open".utf8))
            }
    }

    private let json = """
        {"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"api"}}]},
        "scopeLogs":[{"scope":{"name":"audit"},"logRecords":[{"timeUnixNano":"1763632800000000000","severityNumber":9,
        "severityText":"INFO","body":{"stringValue":"user \\"mona\\" logged in"},"attributes":[
        {"key":"user.name","value":{"stringValue":"mona"}},{"key":"count","value":{"intValue":"-2"}},
        {"key":"ok","value":{"boolValue":true}},{"key":"tags","value":{"arrayValue":{"values":[{"stringValue":"a"}]}}}],
        "traceId":"0102030405060708090A0B0C0D0E0F10","eventName":"session.open","unknown":{"x":1}}]}]}]}
        """

    private func object(_ export: LogExport, _ number: Int = 0) throws -> NSDictionary {
        let bytes = export.body[export.frames[number].range]
        return try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? NSDictionary)
    }

    // MARK: Tests

    @Test("A record is the same event in both encodings, with its resource and scope, values as what they stand for")
    func encodings() throws {
        let binary = try export([record()]).withUnsafeBytes { try LogExport(protobuf: $0, limits: limits) }
        let text = try Array(json.utf8).withUnsafeBytes { try LogExport(json: $0, limits: limits) }
        #expect(try object(binary) == object(text))
        #expect(binary.frames.map(\.part) == ["/resourceLogs/0/scopeLogs/0/logRecords/0"])
        let event = try object(binary)
        #expect(event["traceId"] as? String == "0102030405060708090a0b0c0d0e0f10")
        #expect((event["attributes"] as? [String: Any])?["count"] as? Int == -2)
        #expect(
            ((event["resource"] as? [String: Any])?["attributes"] as? [String: Any])?["service.name"] as? String
                == "api")
    }

    @Test("A body that is JSON is put in as what it says; an empty request is no error")
    func bodies() throws {
        let audit = message { $0.field(5, bytes: text(#"{"kind":"Event","verb":"get"}"#)) }
        let read = try export([audit]).withUnsafeBytes { try LogExport(protobuf: $0, limits: limits) }
        #expect((try object(read)["body"] as? [String: String])?["verb"] == "get")
        #expect(try [UInt8]().withUnsafeBytes { try LogExport(protobuf: $0, limits: limits) }.frames.isEmpty)
        #expect(try Array("{}".utf8).withUnsafeBytes { try LogExport(json: $0, limits: limits) }.frames.isEmpty)
    }

    @Test("A record that is nested too deep, or has too many members, is refused alone")
    func deep() throws {
        var value = text("end")
        for _ in 0..<40 { value = message { $0.field(5, bytes: message { $0.field(1, bytes: value) }) } }
        let nested = message { $0.field(5, bytes: value) }
        let wide = message { record in
            for _ in 0...LogRecordJSON.maximumMembers { record.field(6, bytes: []) }
        }
        let read = try export([nested, record(), wide]).withUnsafeBytes { try LogExport(protobuf: $0, limits: limits) }
        #expect(read.frames.map { $0.refusal == nil } == [false, true, false])
    }

    @Test(
        "Lengths beyond the end, numbers beyond 64 bits, unknown wire types and field 0 are errors, not crashes",
        arguments: [
            [0x0A, 0x05, 0x01], [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
            [0x08] + Array(repeating: 0xFF, count: 11), [0x0B], [0x0F], [0x00, 0x01], [0x09, 1, 2, 3], [0x80],
        ] as [[UInt8]])
    func hostile(bytes: [UInt8]) throws {
        let error = try #require(throws: IntakeError.self) {
            try bytes.withUnsafeBytes { try LogExport(protobuf: $0, limits: limits) }
        }
        #expect(error.code == .malformed)
    }

    @Test("Records without end, and resources that are repeated into every record, meet a limit")
    func amplification() throws {
        var few = IntakeLimits()
        few.eventsPerDelivery = 3
        few.deliveryBytes = 4_096
        let limits = ProtocolLimits(few)
        let many = try #require(throws: IntakeError.self) {
            try export(Array(repeating: [], count: 4)).withUnsafeBytes { try LogExport(protobuf: $0, limits: limits) }
        }
        #expect(many.code == .tooManyEvents)
        let large = message { request in
            request.field(
                1,
                bytes: message { logs in
                    let name = String(repeating: "x", count: 2_000)
                    logs.field(1, bytes: message { $0.field(1, bytes: pair("n", text(name))) })
                    logs.field(2, bytes: message { scope in for _ in 0..<3 { scope.field(2, bytes: []) } })
                })
        }
        let error = try #require(throws: IntakeError.self) {
            try large.withUnsafeBytes { try LogExport(protobuf: $0, limits: limits) }
        }
        #expect(error.code == .tooLarge)
    }

    @Test(
        "What is no number, and ids that are no hexadecimal, refuse their record",
        arguments: [
            #"{"body":{"intValue":"many"}}"#, #"{"traceId":"xyz"}"#, #"{"body":{"doubleValue":"x"}}"#, "7", #"{"a":}"#,
        ])
    func badRecords(record: String) throws {
        let body = #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[\#(record),{"body":{"stringValue":"x"}}]}]}]}"#
        let read = try Array(body.utf8).withUnsafeBytes { try LogExport(json: $0, limits: limits) }
        #expect(read.frames.map { $0.refusal == nil } == [false, true])
    }

    @Test("Changed bytes of both encodings are read or refused", arguments: 0..<40)
    func fuzz(seed: Int) {
        let binary = export([record(), record()])
        let text = Array(json.utf8)
        var mutator = ByteMutator(
            seed: UInt64(seed), pieces: [[0xFF, 0xFF, 0xFF, 0xFF, 0x0F], [0x0A, 0x00], Array("[{".utf8)])
        for _ in 0..<60 {
            let changed = mutator.mutated(binary, mixedWith: binary)
            let read = try? changed.withUnsafeBytes { try LogExport(protobuf: $0, limits: limits) }
            for frame in read?.frames ?? [] { #expect(frame.range.upperBound <= read?.body.count ?? 0) }
            let other = mutator.mutated(text, mixedWith: text)
            _ = try? other.withUnsafeBytes { try LogExport(json: $0, limits: limits) }
        }
    }
}
