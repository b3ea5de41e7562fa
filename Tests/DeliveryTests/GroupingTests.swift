import Detection
import EventModel
import Foundation
import Synchronization
import Testing

@testable import Delivery

@Suite("Notifications of incidents")
struct GroupingTests {
    private func settings() -> DestinationSettings {
        var settings = DestinationSettings()
        settings.name = "chat"
        settings.kind = "slack"
        settings.url = "https://hooks.example.com/T/B/X"
        settings.minimumSeverity = "low"
        return settings
    }

    private func occasions(_ transport: RecordingTransport) throws -> [String] {
        try transport.requests.map { request in
            let body = try #require(try JSONSerialization.jsonObject(with: request.body) as? [String: Any])
            return body["text"] as? String ?? ""
        }
    }

    @Test("The first message waits for what follows at once, and tells all of it")
    func wait() async throws {
        let scene = try OutboxScene(settings: [settings()])
        let transport = RecordingTransport()
        let worker = scene.worker(transport)
        let first = try scene.raise(index: 0, entity: "eve")
        scene.clock.advance(seconds: 10)
        let second = try scene.raise(index: 1, entity: "EVE")
        #expect(first.incident != nil && first.incident == second.incident)
        #expect(try await worker.deliverDue() == 0)
        scene.clock.advance(seconds: 20)
        #expect(try await worker.deliverDue() == 1)
        #expect(try occasions(transport) == ["[high] thigh0 and 1 more"])
        #expect(try await worker.deliverDue() == 0)
    }

    @Test("News of an incident comes at intervals, and reminders until somebody acknowledges")
    func intervalsAndReminders() async throws {
        let scene = try OutboxScene(settings: [settings()])
        let transport = RecordingTransport()
        let worker = scene.worker(transport)
        let alert = try scene.raise(index: 0, entity: "eve")
        scene.clock.advance(seconds: 30)
        #expect(try await worker.deliverDue() == 1)
        try scene.raise(index: 1, entity: "eve")
        scene.clock.advance(seconds: 200)
        #expect(try await worker.deliverDue() == 0)
        scene.clock.advance(seconds: 100)
        #expect(try await worker.deliverDue() == 1)
        scene.clock.advance(seconds: 4 * 3_600 - 1)
        #expect(try await worker.deliverDue() == 0)
        scene.clock.advance(seconds: 1)
        #expect(try await worker.deliverDue() == 1)
        for id in [alert.id, try scene.alerts.list().alerts[0].id] {
            _ = try scene.alerts.acknowledge(id, by: "alice")
        }
        scene.clock.advance(seconds: 300)
        #expect(try await worker.deliverDue() == 1)
        scene.clock.advance(seconds: 48 * 3_600)
        #expect(try await worker.deliverDue() == 0)
        #expect(transport.requests.count == 4)
    }

    @Test("An incident that is settled before anybody was told is not told; one that was told is told to be over")
    func settled() async throws {
        let scene = try OutboxScene(settings: [settings()])
        let transport = RecordingTransport()
        let worker = scene.worker(transport)
        let quick = try scene.raise(index: 0, entity: "eve")
        _ = try scene.alerts.close(quick.id, verdict: .benign, comment: nil, by: "alice")
        scene.clock.advance(seconds: 60)
        #expect(try await worker.deliverDue() == 0)
        let slow = try scene.raise(index: 1, entity: "bob")
        scene.clock.advance(seconds: 30)
        #expect(try await worker.deliverDue() == 1)
        _ = try scene.alerts.close(slow.id, verdict: .benign, comment: nil, by: "alice")
        scene.clock.advance(seconds: 300)
        #expect(try await worker.deliverDue() == 1)
        let last = String(decoding: try #require(transport.requests.last).body, as: UTF8.self)
        #expect(last.contains("closed: thigh1"))
        #expect(try scene.outbox.census().groups == 0)
    }

    @Test("What a silence covers is not sent; what comes out from under it is")
    func silences() async throws {
        let scene = try OutboxScene()
        let transport = RecordingTransport()
        let worker = scene.worker(transport)
        let silence = try scene.alerts.addSilence(
            Silence.Scope(entity: "ev*"), reason: "drill",
            expires: scene.clock.now.advanced(byNanoseconds: 60_000_000_000), by: "alice")
        try scene.raise(index: 0, entity: "eve", title: "same")
        #expect(try await worker.deliverDue() == 0)
        #expect(try scene.alerts.silence(silence.id).hidden == 1)
        scene.clock.advance(seconds: 61)
        let surfaced = try scene.raise(index: 1, entity: "eve", title: "same")
        #expect(surfaced.count == 2 && surfaced.silenced == 1)
        #expect(try await worker.deliverDue() == 1)
        try scene.raise(index: 2, entity: "eve", title: "same")
        #expect(try await worker.deliverDue() == 0)
        #expect(scene.outbox.counters.silenced.load(ordering: .relaxed) == 1)
    }

    @Test(
        "Drafts and informational rules make signals, and signals notify nobody", arguments: ["high", "informational"])
    func signals(level: String) async throws {
        let scene = try OutboxScene(minimumSeverity: .informational)
        let status = level == "high" ? "status: experimental" : "status: stable"
        let signal = try scene.raise(level: level, index: 0, entity: "eve", extra: status)
        #expect(signal.kind == .signal && signal.incident == nil)
        #expect(try scene.outbox.list(.pending).isEmpty)
        #expect(try scene.alerts.list().alerts.isEmpty)
    }

    @Test("Messages about one alert stay in order: a later one waits for the earlier")
    func order() async throws {
        let scene = try OutboxScene()
        let alert = try scene.raise(index: 0, entity: "eve")
        scene.clock.advance(seconds: 1)
        _ = try scene.alerts.close(alert.id, verdict: .benign, comment: nil, by: "alice")
        let other = try scene.raise(index: 1, entity: "bob")
        let transport = RefusingTransport(firstThatSays: alert.id)
        let worker = scene.worker(transport)
        #expect(try await worker.deliverDue() == 2)
        #expect(try await worker.deliverDue() == 0)
        scene.clock.advance(seconds: 10)
        #expect(try await worker.deliverDue() == 1)
        #expect(try await worker.deliverDue() == 1)
        let types = transport.requests.compactMap {
            (try? JSONSerialization.jsonObject(with: $0.body) as? [String: Any]).flatMap { body in
                ((body["data"] as? [String: Any])?["id"] as? String) == alert.id ? body["type"] as? String : nil
            }
        }
        #expect(types.suffix(2) == ["alert.opened", "alert.closed"] && other.id != alert.id)
    }

    @Test("A receiver that answers 500 for an hour gets its message, one attempt at a time")
    func outage() async throws {
        let scene = try OutboxScene()
        try scene.raise()
        let clock = scene.clock
        let back = clock.now.advanced(byNanoseconds: 3_600_000_000_000)
        let attempts = Mutex(0)
        let transport = AnsweringTransport {
            attempts.withLock { $0 += 1 }
            return WebhookAnswer(status: clock.now < back ? 500 : 204)
        }
        let worker = scene.worker(transport)
        while try scene.outbox.list(.delivered).isEmpty,
            clock.now < back.advanced(byNanoseconds: 3_600_000_000_000)
        {
            try await worker.deliverDue()
            clock.advance(seconds: 60)
        }
        #expect(try scene.outbox.list(.delivered).count == 1)
        #expect((8...14).contains(attempts.withLock { $0 }))
    }

    @Test("Given-up messages of a destination are sent again together")
    func deadLetters() async throws {
        let scene = try OutboxScene()
        for index in 0..<3 as Range<UInt64> { try scene.raise(index: index) }
        let gone = Array(repeating: Result<WebhookAnswer, DeliveryError>.success(WebhookAnswer(status: 410)), count: 3)
        try await scene.worker(RecordingTransport(gone)).deliverDue()
        #expect(try scene.outbox.census().failed == ["on-call": 3])
        #expect(try scene.outbox.retryAll(to: "on-call") == 3)
        #expect(try await scene.worker(RecordingTransport()).deliverDue() == 3)
        #expect(try scene.outbox.list(.delivered, destination: "on-call").count == 3)
    }
}
