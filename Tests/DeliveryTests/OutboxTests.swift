import Crypto
import Detection
import EventModel
import EventStore
import Foundation
import GRDB
import Testing

@testable import Delivery

@Suite("Notifications of alerts")
struct OutboxTests {
    @Test("A new alert is sent once, signed over id, time and body")
    func delivery() async throws {
        let scene = try OutboxScene()
        let alert = try scene.raise()
        let transport = RecordingTransport()
        let worker = scene.worker(transport)
        #expect(try await worker.deliverDue() == 1)
        #expect(try await worker.deliverDue() == 0)
        let request = try #require(transport.requests.first)
        let headers = Dictionary(uniqueKeysWithValues: request.headers.map { ($0.name, $0.value) })
        let id = try #require(headers["webhook-id"])
        let timestamp = try #require(headers["webhook-timestamp"])
        let mac = HMAC<SHA256>.authenticationCode(
            for: Data("\(id).\(timestamp).".utf8) + request.body,
            using: SymmetricKey(data: Data("a secret of at least 24 bytes".utf8)))
        #expect(headers["webhook-signature"] == "v1," + Data(mac).base64EncodedString())
        #expect(timestamp == "1800000000" && request.address.text == "93.184.215.14")
        let body = try #require(try JSONSerialization.jsonObject(with: request.body) as? [String: Any])
        #expect(body["type"] as? String == "alert.opened")
        #expect((body["data"] as? [String: Any])?["id"] as? String == alert.id)
        #expect(try scene.outbox.list(.delivered).count == 1)
    }

    @Test("The signature is the one of Standard Webhooks' own example")
    func knownSignature() throws {
        let secret = try WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        let signature = secret.signature(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1_614_265_330, body: Data(#"{"test": 2432232314}"#.utf8))
        #expect(signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    }

    @Test("A failure is tried again with growing pauses under the same id, then given up")
    func retries() async throws {
        let scene = try OutboxScene()
        try scene.raise()
        let transport = RecordingTransport(
            [
                .success(WebhookAnswer(status: 500)), .failure(DeliveryError(.unreachable, "no answer")),
                .success(WebhookAnswer(status: 302)),
            ])
        var policy = RetryPolicy()
        policy.maximumAttempts = 3
        let worker = scene.worker(transport, policy: policy)
        #expect(try await worker.deliverDue() == 1)
        #expect(try await worker.deliverDue() == 0)
        scene.clock.advance(seconds: 3)
        #expect(try await worker.deliverDue() == 1)
        scene.clock.advance(seconds: 3)
        #expect(try await worker.deliverDue() == 0)
        scene.clock.advance(seconds: 3)
        #expect(try await worker.deliverDue() == 1)
        let failed = try scene.outbox.list(.failed)
        #expect(failed.map(\.attempts) == [3] && failed[0].lastError?.contains("302") == true)
        #expect(Set(transport.requests.map { $0.headers.first { $0.name == "webhook-id" }?.value }).count == 1)
        try scene.outbox.retry(failed[0].message)
        #expect(try await worker.deliverDue() == 1)
        #expect(try scene.outbox.list(.delivered).count == 1)
        #expect(throws: DeliveryError.self) { try scene.outbox.retry(failed[0].message) }
    }

    @Test("How a destination fares: what it took last, what is tried again, what was given up")
    func summary() async throws {
        let scene = try OutboxScene()
        try scene.raise()
        let transport = RecordingTransport([
            .success(WebhookAnswer(status: 500)), .success(WebhookAnswer(status: 410)),
        ])
        let worker = scene.worker(transport)
        let name = try #require(try scene.outbox.list(.pending).first?.destination)
        let fresh = try scene.outbox.summary(of: name)
        #expect(fresh.delivered == nil && fresh.problem == nil)
        try await worker.deliverDue()
        let tried = try #require(try scene.outbox.summary(of: name).problem)
        #expect(tried.state == .pending && tried.attempts == 1 && tried.lastError?.contains("500") == true)
        scene.clock.advance(seconds: 3)
        try await worker.deliverDue()
        let failed = try #require(try scene.outbox.summary(of: name).problem)
        #expect(failed.state == .failed && failed.lastError?.contains("410") == true)
        try scene.outbox.retry(failed.message)
        scene.clock.advance(seconds: 60)
        try await worker.deliverDue()
        let well = try scene.outbox.summary(of: name)
        #expect(well.problem == nil && well.delivered?.seconds == 1_800_000_063)
        #expect(try scene.outbox.summary(of: "another").delivered == nil)
    }

    @Test("Retry-After is believed up to the longest delay, and 410 ends it")
    func receiversWishes() async throws {
        let policy = RetryPolicy()
        #expect(policy.delay(afterAttempt: 1, retryAfter: nil, random: 0) == 2_500_000_000)
        #expect(policy.delay(afterAttempt: 40, retryAfter: nil, random: 1) == 3_600_000_000_000)
        #expect(policy.delay(afterAttempt: 1, retryAfter: 60, random: 0) == 60_000_000_000)
        #expect(policy.delay(afterAttempt: 1, retryAfter: .max, random: 0) == 3_600_000_000_000)
        let scene = try OutboxScene()
        try scene.raise()
        #expect(try await scene.worker(RecordingTransport([.success(WebhookAnswer(status: 410))])).deliverDue() == 1)
        #expect(try scene.outbox.list(.failed).count == 1)
    }

    @Test("Alerts below a destination's severity and repetitions are not sent")
    func selection() async throws {
        let scene = try OutboxScene(minimumSeverity: .high)
        try scene.raise(level: "low", index: 0)
        try scene.raise(level: "critical", index: 1)
        #expect(try scene.outbox.list(.pending).count == 1)
    }

    @Test("A full outbox takes no more messages and stops no alert")
    func capacity() throws {
        let scene = try OutboxScene(maximumPending: 2)
        for index in 0..<4 as Range<UInt64> { try scene.raise(index: index) }
        #expect(try scene.outbox.list(.pending).count == 2)
        #expect(try scene.alerts.list().alerts.count == 4)
    }

    @Test("Settled messages leave after the retention, waiting ones stay")
    func retention() async throws {
        let scene = try OutboxScene()
        try scene.raise(index: 0)
        try await scene.worker(RecordingTransport()).deliverDue()
        try scene.raise(index: 1)
        scene.clock.advance(seconds: Outbox.retention / 1_000_000_000 + 1)
        #expect(try scene.outbox.removeSettled() == 1)
        #expect(try scene.outbox.list(.pending).count == 1)
    }

    @Test(
        "A destination that is private is given up without a connection",
        arguments: ["10.1.2.3", "169.254.169.254", "::1"])
    func forbiddenDestination(address: String) async throws {
        let scene = try OutboxScene()
        try scene.raise()
        let transport = RecordingTransport()
        let resolver = FixedResolver(names: ["hooks.example.com": ["93.184.215.14", address]])
        #expect(try await scene.worker(transport, resolver: resolver).deliverDue() == 1)
        #expect(transport.requests.isEmpty)
        #expect(try scene.outbox.list(.failed).first?.lastError?.contains("private or reserved") == true)
    }

    @Test("Short secrets and URLs with credentials are refused")
    func configuration() throws {
        #expect(throws: DeliveryError.self) { try WebhookSecret("short") }
        for url in ["ftp://example.com", "https://", "https://user:pass@example.com/", "example.com"] {
            var settings = DestinationSettings()
            settings.url = url
            settings.secret = OutboxScene.secret
            #expect(throws: DeliveryError.self, "\(url)") { try Destination(settings, allowsCommands: false) }
        }
    }

    @Test("What an erased event put into messages goes: from those that wait, were given up, or were delivered")
    func erased() async throws {
        let scene = try OutboxScene()
        try scene.raise(index: 0, entity: "jane.planted", title: "First")
        try scene.raise(index: 1, entity: "jane.planted", title: "Second")
        try scene.raise(index: 2, entity: "someone.else", title: "Third")
        let transport = RecordingTransport()
        #expect(try await scene.worker(transport).deliverDue() == 3)
        try scene.raise(index: 3, entity: "jane.planted", title: "Fourth")
        let waiting = try #require(try scene.outbox.list(.pending).first)
        #expect(String(decoding: waiting.body, as: UTF8.self).contains("jane.planted"))
        let leaves = LeafRanges([0, 1, 3])
        try scene.alerts.redact(leaves)
        let changed = try scene.outbox.redact(about: try scene.alerts.subjects(of: leaves))
        #expect(changed == 3)
        let all = try scene.outbox.list(.delivered) + scene.outbox.list(.pending)
        #expect(all.count == 4 && !all.contains { String(decoding: $0.body, as: UTF8.self).contains("jane.planted") })
        #expect(all.contains { String(decoding: $0.body, as: UTF8.self).contains("someone.else") })
        // What waits is sent under the same id, and says which alert it is about.
        let later = RecordingTransport()
        #expect(try await scene.worker(later).deliverDue() == 1)
        let sent = try #require(later.requests.first)
        let text = String(decoding: sent.body, as: UTF8.self)
        #expect(text.contains("[redacted]") && text.contains("Fourth") && text.contains(waiting.subject))
        #expect(sent.headers.contains { $0.name == "webhook-id" && $0.value == waiting.message })
    }
}
