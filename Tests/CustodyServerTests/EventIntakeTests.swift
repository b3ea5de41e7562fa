import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Intake
import Ledger
import NIOCore
import Testing

@testable import CustodyServer

@Suite("Taking events over HTTP")
struct EventIntakeTests {
    private func event(_ id: String, _ more: String = "") -> String {
        "{\"id\":\"\(id)\",\"time\":\"2026-11-20T10:00:00Z\",\"actor\":\"octocat\",\"action\":\"repo.create\"\(more)}"
    }

    @Test("An event is acknowledged with its index, found, shown byte for byte and proved")
    func endToEnd() async throws {
        try await TestServer.run { _, client in
            let payload = event("1", ",\"repo\":\"acme/api\"")
            let pushed = try await client.send(.post, "/v1/events?source=ci", payload)
            #expect(pushed.status == 200)
            #expect(pushed["accepted"] as? Int == 1 && pushed["first_index"] as? Int == 0)
            #expect(try await client.search("actor:octocat repo:acme/api", expecting: 1).count == 1)
            #expect(try await client.send(.get, "/v1/events/0/raw").text == payload)
            // The first checkpoint is waited for.
            let proof = try await client.send(.get, "/v1/events/0/proof")
            #expect(proof.text.hasPrefix("c2sp.org/tlog-proof@v1\nindex 0\n"))
        }
    }

    @Test("First deliveries of a new source at once are all taken, and its making is on record once")
    func newSourceAtOnce() async throws {
        try await TestServer.run { _, client in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        try await client.send(.post, "/v1/events?source=fresh", event("n\(number)")).status
                    }
                }
                for try await status in group { #expect(status == 200) }
            }
            #expect(try await client.search("source.name:fresh", expecting: 8).count == 8)
            #expect(try await client.search("source:custody action:source.add resource:fresh", expecting: 1).count == 1)
        }
    }

    @Test("Bad entries between good ones are refused by position, kept in the quarantine, and spoil nothing")
    func badEntries() async throws {
        try await TestServer.run { _, client in
            let deep = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
            let lines = [
                event("a"), "{\"id\":\"b\"", event("c"), "{\"x\":1,\"x\":2}", "{\"d\":\(deep)}", event("e"),
                "{\"n\":123456789012345678901234567890}",
            ]
            let answer = try await client.send(.post, "/v1/events", lines.joined(separator: "\n"))
            #expect(answer.status == 200)
            #expect(answer["accepted"] as? Int == 3)
            let rejected = answer["rejected"] as? [[String: Any]] ?? []
            #expect(rejected.compactMap { $0["position"] as? Int } == [1, 3, 4, 6])
            #expect(answer["first_index"] as? Int == 0 && answer["last_index"] as? Int == 2)
            let kept = try await client.send(.get, "/v1/sources/quarantine")
            #expect((kept["entries"] as? [Any])?.count == 4)
        }
    }

    @Test("Bytes that are not UTF-8 and entries over the limit are refused, the rest is kept")
    func bytesAndSize() async throws {
        try await TestServer.run { _, client in
            var body =
                Array((event("a") + "\n").utf8) + [
                    UInt8(ascii: "{"), 0x22, 0xFF, 0x22, 0x3A, 0x31, UInt8(ascii: "}"), 10,
                ]
            body += Array("{\"big\":\"\(String(repeating: "x", count: 1 << 20))\"}\n\(event("b"))".utf8)
            let answer = try await client.send(.post, "/v1/events", bytes: body)
            #expect(answer["accepted"] as? Int == 2)
            #expect((answer["rejected"] as? [[String: Any]])?.compactMap { $0["position"] as? Int } == [1, 2])
        }
    }

    @Test("The memory of a large body serves the next one, of which every event is its own")
    func bodyMemory() async throws {
        try await TestServer.run { server, client in
            let memory = server.service.state.intake.bodyMemory
            for turn in 0..<3 {
                // Each shorter than the one before, whose rest lies behind it.
                let lines = (0..<(900 - turn * 300)).map { event("\(turn)-\($0)", ",\"pad\":\"\(Self.padding)\"") }
                let body = Array(lines.joined(separator: "\n").utf8)
                let answer = try await client.send(
                    .post, "/v1/events?source=ci", bytes: body, headers: [.contentLength: "\(body.count)"])
                #expect(answer["accepted"] as? Int == lines.count && answer["duplicates"] as? Int == 0)
                let last = try #require(answer["last_index"] as? Int)
                #expect(try await client.send(.get, "/v1/events/\(last)/raw").text == lines[lines.count - 1])
                #expect(memory.freeBytes >= BatchMemory.smallest && memory.freeBytes <= BatchMemory.keptBytes)
            }
        }
    }

    private static let padding = String(repeating: "x", count: 1_000)

    @Test("A body is refused when it says that it is too large, and when it just is", arguments: [true, false])
    func tooLarge(saysSo: Bool) async throws {
        try await TestServer.run({ $0.intake.deliveryBytes = 10_000 }) { _, client in
            let body = Array(event("1", ",\"pad\":\"\(String(repeating: "x", count: 10_000))\"").utf8)
            let headers: HTTPFields = saysSo ? [.contentLength: "\(body.count)"] : [:]
            let answer = try await client.send(.post, "/v1/events?source=ci", bytes: body, headers: headers)
            #expect(answer.status == 413 && answer.code == "too_large")
            #expect(try await client.send(.post, "/v1/events?source=ci", event("2"))["accepted"] as? Int == 1)
        }
    }

    @Test("A body that breaks off is refused as incomplete; what was made for it serves the next")
    func breaksOff() async throws {
        try await TestServer.run({ $0.intake.deliveryBytes = 1 << 30 }) { server, _ in
            let requests = DeliveryRequests(state: server.service.state)
            let memory = server.service.state.intake.bodyMemory
            func request(says length: Int, _ chunks: [String], breaksOff: Bool) -> Request {
                let head = HTTPRequest(
                    method: .post, scheme: nil, authority: nil, path: "/v1/events",
                    headerFields: [.contentLength: "\(length)"])
                let body = AsyncThrowingStream<ByteBuffer, any Error> { stream in
                    for chunk in chunks { stream.yield(ByteBuffer(string: chunk)) }
                    stream.finish(throwing: breaksOff ? CancellationError() : nil)
                }
                return Request(head: head, body: RequestBody(asyncSequence: body))
            }
            let problem = await #expect(throws: Problem.self) {
                try await requests.bytes(of: request(says: 1 << 29, ["{\"id\":"], breaksOff: true), atMost: 1 << 30)
            }
            #expect(problem?.status == .badRequest && problem?.code == "incomplete")
            // What a sender announces is believed up to here, and not lost when it does not come.
            let kept = memory.freeBytes
            #expect(kept >= DeliveryRequests.expectedBytes && kept <= DeliveryRequests.expectedBytes * 2)
            let whole = try await requests.bytes(
                of: request(says: 1 << 29, ["{\"id\":", "\"1\"}"], breaksOff: false), atMost: 1 << 30)
            #expect(String(decoding: whole, as: UTF8.self) == "{\"id\":\"1\"}")
            #expect(memory.freeBytes == 0 && whole.capacity == kept)
        }
    }

    @Test("A delivery of nothing but malformed entries is answered with their reasons; an empty one with nothing")
    func nothingButBad() async throws {
        try await TestServer.run { _, client in
            let answer = try await client.send(.post, "/v1/events", "{\"a\":")
            #expect(answer.status == 200 && answer["accepted"] as? Int == 0)
            #expect((answer["rejected"] as? [Any])?.count == 1)
            #expect(try await client.send(.post, "/v1/events", "")["accepted"] as? Int == 0)
        }
    }

    @Test("The same delivery again is answered with the original's index; the same id with other bytes is kept")
    func duplicates() async throws {
        try await TestServer.run { _, client in
            _ = try await client.send(.post, "/v1/events", event("a"))
            let again = try await client.send(.post, "/v1/events", event("a"))
            #expect(again["accepted"] as? Int == 0 && again["duplicates"] as? Int == 1)
            #expect(again["first_index"] as? Int == 0)
            let other = try await client.send(.post, "/v1/events", event("a", ",\"x\":1"))
            #expect(other["accepted"] as? Int == 1)
            let index = try #require(other["first_index"] as? Int)
            let shown = try await client.send(.get, "/v1/events/\(index)")
            #expect(shown.text.contains("delivery id was used before for other bytes, by event 0"))
        }
    }

    @Test("An Idempotency-Key makes a repeated request a duplicate, for events without an id")
    func idempotencyKey() async throws {
        try await TestServer.run { _, client in
            let headers: HTTPFields = [HTTPField.Name("Idempotency-Key")!: "batch-1"]
            let body = "{\"action\":\"a.b\"}\n{\"action\":\"c.d\"}"
            let first = try await client.send(.post, "/v1/events", body, headers: headers)
            let second = try await client.send(.post, "/v1/events", body, headers: headers)
            #expect(first["accepted"] as? Int == 2)
            #expect(second["accepted"] as? Int == 0 && second["duplicates"] as? Int == 2)
        }
    }

    @Test("Without a token, with a wrong one, of the wrong scope or for a missing source: 401, 401, 403, 404")
    func denials() async throws {
        try await TestServer.run { _, client in
            #expect(try await client.send(.post, "/v1/events", event("a"), token: nil).status == 401)
            #expect(try await client.send(.post, "/v1/events", event("a"), token: "wrong").status == 401)
            #expect(try await client.send(.get, "/v1/search", token: nil).code == "unauthenticated")
            let made = try await client.send(.post, "/v1/tokens", #"{"name":"r","scopes":["read"]}"#)
            let reader = try #require(made["token"] as? String)
            #expect(try await client.send(.post, "/v1/events", event("a"), token: reader).status == 403)
            let sender = try #require(
                try await client.send(.post, "/v1/tokens", #"{"name":"i","scopes":["ingest"]}"#)["token"] as? String)
            #expect(try await client.send(.post, "/v1/events?source=nowhere", event("a"), token: sender).status == 404)
            #expect(try await client.send(.get, "/v1/search?q=*", token: sender).status == 403)
            #expect(try await client.send(.post, "/v1/events", event("a"), token: sender).status == 200)
            #expect(try await client.send(.post, "/v1/events?source=custody", event("b")).status == 403)
        }
    }

    @Test("Unknown media types, codings and broken compression are told apart")
    func mediaTypes() async throws {
        try await TestServer.run { _, client in
            let cases: [(HTTPField.Name, String, String)] = [
                (.contentType, "image/png", "unsupported_media_type"), (.contentEncoding, "br", "unsupported_encoding"),
                (.contentEncoding, "gzip", "broken_encoding"), (.contentEncoding, "zstd", "broken_encoding"),
            ]
            for (name, value, code) in cases {
                let answer = try await client.send(.post, "/v1/events", "neither", headers: [name: value])
                #expect(answer.code == code)
            }
        }
    }

    @Test("A delivery over the limit of bytes or of events is refused as a whole, one at the limit is taken")
    func deliveryLimits() async throws {
        let lines = (0..<4).map { event("\($0)") }
        let bytes = lines.joined(separator: "\n").utf8.count
        try await TestServer.run({
            $0.intake.deliveryBytes = bytes
            $0.intake.eventsPerDelivery = 4
        }) { _, client in
            #expect(try await client.send(.post, "/v1/events", lines.joined(separator: "\n"))["accepted"] as? Int == 4)
            let larger = try await client.send(.post, "/v1/events", lines.joined(separator: "\n") + "\n")
            #expect(larger.status == 413 && larger.code == "too_large")
            let more = (0..<5).map { "{\"i\":\($0)}" }.joined(separator: "\n")
            let refused = try await client.send(.post, "/v1/events", more)
            #expect(refused.status == 413 && refused.code == "too_many_events")
        }
    }

    @Test("A receipt that is asked for is the ledger's signed promise for the new events")
    func receipts() async throws {
        try await TestServer.run { server, client in
            _ = try await client.send(.post, "/v1/events", event("0"))
            let body = event("0") + "\n" + event("1") + "\n" + event("2")
            let answer = try await client.send(.post, "/v1/events?receipt=true", body)
            let text = try #require(answer["receipt"] as? String)
            let key = server.service.state.ledgerKey.verifierKey
            let receipt = try Receipt(parsing: Array(text.utf8), verifiedBy: key)
            #expect(receipt.firstIndex == 1 && receipt.count == 2)
            let ledger = server.service.state.ledger
            let deadline = ContinuousClock.now + .seconds(5)
            while ledger.size < 3, ContinuousClock.now < deadline { await Task.yield() }
            let leaves = try [ledger.entry(at: 1).leafHash, ledger.entry(at: 2).leafHash]
            #expect(receipt.batchRoot == MerkleHashing.root(leaves))
            #expect(try await client.send(.post, "/v1/events?receipt=true", body)["receipt"] == nil)
        }
    }

    @Test("A hook is taken with the provider's signature and refused without, with a wrong one, and for other bytes")
    func hooks() async throws {
        try await TestServer.run { _, client in
            let added = try await client.send(
                .post, "/v1/sources", #"{"name":"gh","connector":"github-webhook","secret":"It's a Secret"}"#)
            #expect(added.status == 201)
            let body =
                #"{"ref":"refs/heads/main","after":"6113728f27ae82c7b1a177c8d03f9e96e0adf246","repository":{"full_name":"acme/api"},"sender":{"login":"octocat"}}"#
            func headers(_ signed: String, delivery: String = "d-1") -> HTTPFields {
                let key = SymmetricKey(data: Array("It's a Secret".utf8))
                let code = HMAC<SHA256>.authenticationCode(for: Array(signed.utf8), using: key)
                let hex = code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
                return [
                    HTTPField.Name("X-Hub-Signature-256")!: "sha256=" + hex, HTTPField.Name("X-GitHub-Event")!: "push",
                    HTTPField.Name("X-GitHub-Delivery")!: delivery,
                ]
            }
            let good = try await client.send(.post, "/v1/hooks/gh", body, token: nil, headers: headers(body))
            #expect(good.status == 200, "\(good.text)")
            #expect(try await client.send(.post, "/v1/hooks/gh", body, token: nil).status == 401)
            #expect(
                try await client.send(.post, "/v1/hooks/gh", body + " ", token: nil, headers: headers(body)).status
                    == 401)
            #expect(try await client.send(.post, "/v1/hooks/none", body, token: nil).status == 404)
            let found = try await client.search("actor:octocat action:code.push source:github", expecting: 1)
            let source = found.first?["source"] as? [String: Any]
            #expect(source?["verified"] as? String == "hmac")
            let redelivered = try await client.send(.post, "/v1/hooks/gh", body, token: nil, headers: headers(body))
            #expect(redelivered["duplicates"] as? Int == 1)
        }
    }

    @Test("Splunk's collector takes envelopes and answers in Splunk's words")
    func splunk() async throws {
        try await TestServer.run { _, client in
            let body =
                #"{"time":1763632800,"event":{"action":"repo.destroy","actor":"mona","created_at":1763632800000,"_document_id":"x1","org":"acme"}}{"event":{"action":"repo.create","actor":"mona","created_at":1763632800001,"_document_id":"x2","org":"acme"}}"#
            let headers: HTTPFields = [.authorization: "Splunk \(TestServer.adminToken)"]
            let answer = try await client.send(.post, "/services/collector/event", body, token: nil, headers: headers)
            #expect(answer.status == 200 && answer["code"] as? Int == 0, "\(answer.text)")
            #expect(try await client.search("actor:mona", expecting: 2).count == 2)
            let denied = try await client.send(.post, "/services/collector", body, token: nil)
            #expect(denied.status == 401 && denied["code"] as? Int == 2)
            let wrong: HTTPFields = [.authorization: "Splunk nope"]
            let invalid = try await client.send(.post, "/services/collector", body, token: nil, headers: wrong)
            #expect(invalid.status == 403 && invalid["code"] as? Int == 4)
            #expect(try await client.send(.get, "/services/collector/health", token: nil).status == 200)
        }
    }

    @Test("Secrets are gone before anything is written, and counted")
    func redaction() async throws {
        try await TestServer.run { server, client in
            let secret = "ghp" + "_" + String(repeating: "a1B2", count: 9)
            let body = event("s", ",\"clientSecret\":\"hunter2hunter2\",\"message\":\"used \(secret)\"")
            #expect(try await client.send(.post, "/v1/events", body)["accepted"] as? Int == 1)
            let raw = try await client.send(.get, "/v1/events/0/raw").text
            #expect(!raw.contains(secret) && !raw.contains("hunter2") && raw.contains("[redacted:"))
        }
    }
}
