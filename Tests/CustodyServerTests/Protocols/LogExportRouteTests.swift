import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import CustodyServer
@testable import Intake

@Suite("OTLP over HTTP")
struct LogExportRouteTests {
    private let json =
        #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1763632800000000000","body":{"stringValue":"x"},"attributes":[{"key":"user.name","value":{"stringValue":"mona"}},{"key":"action","value":{"stringValue":"account.login"}}]},{"traceId":"no"}]}]}]}"#

    private func protobuf() -> [UInt8] {
        var name = ProtobufWriter()
        name.field(1, bytes: Array("otto".utf8))
        var pair = ProtobufWriter()
        pair.field(1, bytes: Array("user.name".utf8))
        pair.field(2, bytes: name.bytes)
        var record = ProtobufWriter()
        record.field(6, bytes: pair.bytes)
        var scope = ProtobufWriter()
        // observed_time_unix_nano, which every exporter sets.
        let observed: [UInt8] = [11 << 3 | 1, 0, 0, 0, 0, 0, 0, 0, 0x18]
        scope.field(2, bytes: record.bytes + observed)
        var resource = ProtobufWriter()
        resource.field(2, bytes: scope.bytes)
        var request = ProtobufWriter()
        request.field(1, bytes: resource.bytes)
        return request.bytes
    }

    @Test("JSON: what is refused is counted in a partial success, the rest is found by its attributes")
    func json() async throws {
        try await TestServer.run { _, client in
            let answer = try await client.send(.post, "/v1/logs", json, headers: [.contentType: "application/json"])
            #expect(answer.status == 200 && answer.headers[.contentType] == "application/json")
            let partial = answer["partialSuccess"] as? [String: String]
            #expect(partial?["rejectedLogRecords"] == "1" && partial?["errorMessage"]?.isEmpty == false)
            let found = try await client.search("actor:mona action:account.login", expecting: 1)
            #expect(found.first?["time"] as? String == "2025-11-20T10:00:00Z")
        }
    }

    @Test("Protobuf: full success is an empty message, errors are a google.rpc.Status, each of the request's type")
    func binary() async throws {
        try await TestServer.run { _, client in
            let headers: HTTPFields = [.contentType: "application/x-protobuf"]
            let answer = try await client.send(.post, "/v1/logs", bytes: protobuf(), headers: headers)
            #expect(answer.status == 200 && answer.text.isEmpty)
            #expect(answer.headers[.contentType] == "application/x-protobuf")
            #expect(try await client.search("actor:otto", expecting: 1).count == 1)
            let bad = try await client.send(.post, "/v1/logs", bytes: [0x0A, 0x05, 0x01], headers: headers)
            // code 3, then a message.
            #expect(bad.status == 400 && bad.text.utf8.starts(with: [0x08, 0x03, 0x12]))
            #expect(bad.headers[.contentType] == "application/x-protobuf" && bad.text.contains("google.rpc.BadRequest"))
            let denied = try await client.send(.post, "/v1/logs", bytes: protobuf(), token: nil, headers: headers)
            #expect(denied.status == 401 && denied.text.utf8.starts(with: [0x08, 16, 0x12]))
        }
    }

    @Test("Other media types are refused with a status in JSON; an empty request is a success")
    func types() async throws {
        try await TestServer.run { _, client in
            let other = try await client.send(.post, "/v1/logs", "x", headers: [.contentType: "text/plain"])
            #expect(other.status == 415 && other["code"] as? Int == 3 && other["message"] != nil)
            let empty = try await client.send(.post, "/v1/logs", "{}", headers: [.contentType: "application/json"])
            #expect(empty.status == 200 && empty.text == "{}")
        }
    }
}
