import Detection
import EventModel
import Foundation
import GRDB
import Logging
import Synchronization

@testable import Delivery

/// A clock that moves when a test says so.
final class TestClock: Sendable {
    private let time = Mutex(Timestamp(seconds: 1_800_000_000))

    var now: Timestamp { time.withLock { $0 } }
    func advance(seconds: Int64) { time.withLock { $0 = $0.advanced(byNanoseconds: seconds * 1_000_000_000) } }
}

/// A transport that answers as it is told and remembers what it was given.
final class RecordingTransport: WebhookTransport {
    private let state: Mutex<(answers: [Result<WebhookAnswer, DeliveryError>], requests: [WebhookRequest])>

    init(_ answers: [Result<WebhookAnswer, DeliveryError>] = []) { state = Mutex((answers, [])) }

    var requests: [WebhookRequest] { state.withLock { $0.requests } }

    func send(_ request: WebhookRequest) async throws -> WebhookAnswer {
        try state.withLock { state in
            state.requests.append(request)
            return state.answers.isEmpty ? WebhookAnswer(status: 204) : try state.answers.removeFirst().get()
        }
    }
}

/// Names and their addresses, without a network.
struct FixedResolver: HostResolver {
    var names: [String: [String]]

    func addresses(of host: String) async throws -> [NetworkAddress] {
        guard let addresses = names[host] else { throw DeliveryError(.unresolvable, "unknown host") }
        return addresses.compactMap(NetworkAddress.init)
    }
}

/// An outbox in memory with what surrounds it.
struct OutboxScene {
    static let secret = "whsec_" + Data("a secret of at least 24 bytes".utf8).base64EncodedString()

    let clock = TestClock()
    let alerts: AlertStore
    let outbox: Outbox
    let destinations: [WebhookDestination]

    init(
        url: String = "https://hooks.example.com/custody", minimumSeverity: Severity = .low,
        maximumPending: Int = Outbox.maximumPending
    ) throws {
        let destination = try WebhookDestination(
            name: "on-call", url: url, secrets: [WebhookSecret(Self.secret)], minimumSeverity: minimumSeverity)
        let queue = try DatabaseQueue()
        var migrator = DatabaseMigrator()
        AlertSchema.registerMigrations(in: &migrator)
        OutboxSchema.registerMigrations(in: &migrator)
        try migrator.migrate(queue)
        let clock = clock
        let destinations = [destination]
        outbox = Outbox(
            queue, destinations: { destinations }, now: { clock.now }, maximumPending: maximumPending)
        alerts = AlertStore(queue, observers: [outbox], now: { clock.now })
        self.destinations = destinations
    }

    func worker(
        _ transport: any WebhookTransport, allowance: DestinationGuard.Allowance = .init(),
        resolver: any HostResolver = FixedResolver(names: ["hooks.example.com": ["93.184.215.14"]]),
        policy: RetryPolicy = RetryPolicy()
    ) -> DeliveryWorker {
        let clock = clock
        let destinations = destinations
        return DeliveryWorker(
            outbox: outbox, destinations: { destinations },
            destinationGuard: DestinationGuard(allowance: allowance, resolver: resolver), transport: transport,
            policy: policy,
            surroundings: .init(now: { clock.now }, sleep: { _ in throw CancellationError() }, random: { 0 }),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Makes an alert of the given level through the real path: a rule, an event, a match.
    @discardableResult
    func raise(level: String = "high", index: UInt64 = 0) throws -> Alert {
        var rules = RuleSet()
        rules.add(
            "title: t\(level)\(index)\nlevel: \(level)\nlogsource: {category: supply_chain}\ndetection: {s: {a: 1}, condition: s}\n",
            file: "r.yml")
        var matches: [RuleMatch] = []
        let engine = DetectionEngine(rules)
        try JSONParser().withDocument(Array(#"{"a":1}"#.utf8)) { root in
            engine.evaluateIgnoringSource(payload: root, index: LeafIndex(index), into: &matches)
        }
        return try alerts.record(matches, through: LeafIndex(index + 1))[0].alert
    }
}
