import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import CustodyServer

@Suite("Amazon Data Firehose's HTTP endpoint")
struct FirehoseRouteTests {
    private static let audit =
        #"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"a-1","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/shop/secrets","verb":"list","user":{"username":"kubernetes-admin"},"sourceIPs":["198.51.100.7"],"objectRef":{"resource":"secrets","namespace":"shop","apiVersion":"v1"},"responseStatus":{"code":200},"requestReceivedTimestamp":"2026-11-20T10:00:00.000000Z","stageTimestamp":"2026-11-20T10:00:00.100000Z"}"#

    private static func logs(_ messages: [String], type: String = "DATA_MESSAGE") throws -> Data {
        try JSONSerialization.data(withJSONObject: [
            "messageType": type, "owner": "123456789012", "logGroup": "/aws/eks/prod/cluster",
            "logStream": "kube-apiserver-audit-0123", "subscriptionFilters": ["custody"],
            "logEvents": messages.enumerated().map { number, message in
                ["id": "3690\(number)", "timestamp": 1_795_255_200_000, "message": message] as [String: Any]
            },
        ])
    }

    private static func body(_ records: [Data], id: String = "req-1") -> String {
        let list = records.map { #"{"data":"\#($0.base64EncodedString())"}"# }.joined(separator: ",")
        return #"{"requestId":"\#(id)","timestamp":1795255200000,"records":[\#(list)]}"#
    }

    private static func key(_ token: String) throws -> HTTPFields {
        [try #require(FirehoseRoutes.accessKey): token, .contentType: "application/json"]
    }

    @Test("An EKS cluster's audit log arrives through CloudWatch Logs as what the API server wrote, packed or not")
    func cluster() async throws {
        try await TestServer.run { _, client in
            let token = TestServer.adminToken
            let packed = gzip(Array(try Self.logs([Self.audit, "I1120 10:00:00 not JSON"])))
            let plain = try Self.logs([Self.audit.replacing("a-1", with: "a-2")])
            let body = Self.body([Data(packed), plain])
            let first = try await client.send(
                .post, "/v1/firehose?source=eks", body, token: nil, headers: Self.key(token))
            #expect(first.status == 200 && first["requestId"] as? String == "req-1", "\(first.text)")
            #expect(first["timestamp"] is Int && first["errorMessage"] == nil)
            let found = try await client.search("source.kind:kubernetes-audit actor:kubernetes-admin", expecting: 2)
            let instances = found.map { ($0["source"] as? [String: Any])?["instance"] as? String }
            #expect(instances == ["prod", "prod"], "\(found)")
            #expect(try await client.send(.get, "/v1/events/0/raw").text == Self.audit)
            _ = try await client.search("source.name:eks", expecting: 3)
            // The same request again, as after a lost answer.
            #expect(
                try await client.send(.post, "/v1/firehose?source=eks", body, token: nil, headers: Self.key(token))
                    .status == 200)
            _ = try await client.search("source.name:eks", expecting: 3)
        }
    }

    @Test("Records of other kinds are documents or lines; CloudWatch's question whether somebody is there is no event")
    func others() async throws {
        try await TestServer.run { _, client in
            let headers = try Self.key(TestServer.adminToken)
            let control = try Self.logs(["CWL CONTROL MESSAGE: Checking health"], type: "CONTROL_MESSAGE")
            let asked = try await client.send(
                .post, "/v1/firehose?source=f", Self.body([control]), token: nil, headers: headers)
            #expect(asked.status == 200, "\(asked.text)")
            let lines = Data("{\"actor\":\"a\",\"action\":\"x.y\"}\n\n{\"actor\":\"b\",\"action\":\"x.y\"}\n".utf8)
            let bad =
                #"{"requestId":"r2","timestamp":1,"records":[{"data":"***"},{"data":"\#(lines.base64EncodedString())"}]}"#
            let sent = try await client.send(.post, "/v1/firehose?source=f", bad, token: nil, headers: headers)
            #expect(sent.status == 200 && sent["requestId"] as? String == "r2")
            _ = try await client.search("source.name:f action:x.y", expecting: 2)
            let refused = try await client.send(.get, "/v1/sources/quarantine").text
            #expect(refused.contains("base64"), "\(refused)")
        }
    }

    @Test("Refusals are in Firehose's words: wrong key, no body of its kind, too much when unpacked")
    func refusals() async throws {
        try await TestServer.run { _, client in
            let headers = try Self.key(TestServer.adminToken)
            let wrong = try await client.send(
                .post, "/v1/firehose?source=f", Self.body([Data("{}".utf8)]), token: nil, headers: Self.key("nonsense"))
            #expect(wrong.status == 401 && wrong["errorMessage"] is String, "\(wrong.text)")
            let none = try await client.send(
                .post, "/v1/firehose?source=f", Self.body([Data("{}".utf8)]), token: nil)
            #expect(none.status == 401)
            for body in ["{}", "[]", "x", #"{"requestId":"r","records":{}}"#] {
                let answer = try await client.send(.post, "/v1/firehose?source=f", body, token: nil, headers: headers)
                #expect(answer.status == 400 && answer["errorMessage"] is String, "\(answer.text)")
            }
            let bomb = Data(gzip([UInt8](repeating: 0x20, count: 8 << 20)))
            let answer = try await client.send(
                .post, "/v1/firehose?source=f", Self.body([bomb]), token: nil, headers: headers)
            #expect(answer.status == 413, "\(answer.text)")
        }
    }
}
