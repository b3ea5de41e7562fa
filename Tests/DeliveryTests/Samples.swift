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

/// A transport whose answers are made when they are asked for.
struct AnsweringTransport: WebhookTransport {
    let answer: @Sendable () -> WebhookAnswer

    init(_ answer: @escaping @Sendable () -> WebhookAnswer) { self.answer = answer }

    func send(_ request: WebhookRequest) async throws -> WebhookAnswer { answer() }
}

/// A transport that refuses the first message that says `word`, and takes every other one. Messages about different
/// alerts go out together and arrive in any order: what is refused must hang on what it says, not on when it came.
final class RefusingTransport: WebhookTransport {
    private let state: Mutex<(refused: Bool, requests: [WebhookRequest])> = Mutex((false, []))
    private let word: String

    init(firstThatSays word: String) { self.word = word }

    var requests: [WebhookRequest] { state.withLock { $0.requests } }

    func send(_ request: WebhookRequest) async throws -> WebhookAnswer {
        let says = String(decoding: request.body, as: UTF8.self).contains(word)
        return state.withLock { state in
            state.requests.append(request)
            defer { state.refused = state.refused || says }
            return WebhookAnswer(status: says && !state.refused ? 500 : 204)
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
    let destinations: [Destination]

    init(
        url: String = "https://hooks.example.com/custody", minimumSeverity: Severity = .low,
        maximumPending: Int = Outbox.maximumPending, settings: [DestinationSettings]? = nil
    ) throws {
        var webhook = DestinationSettings()
        webhook.name = "on-call"
        webhook.url = url
        webhook.secret = Self.secret
        webhook.minimumSeverity = minimumSeverity.rawValue
        let destinations = try (settings ?? [webhook]).map { try Destination($0, allowsCommands: true) }
        let queue = try DatabaseQueue()
        var migrator = DatabaseMigrator()
        AlertSchema.registerMigrations(in: &migrator)
        OutboxSchema.registerMigrations(in: &migrator)
        try migrator.migrate(queue)
        let clock = clock
        outbox = Outbox(
            queue, destinations: { destinations }, now: { clock.now }, maximumPending: maximumPending)
        alerts = AlertStore(queue, observers: [outbox], now: { clock.now })
        self.destinations = destinations
    }

    func worker(
        _ transport: any WebhookTransport, allowance: DestinationGuard.Allowance = .init(),
        resolver: any HostResolver = FixedResolver(names: ["hooks.example.com": ["93.184.215.14"]]),
        policy: RetryPolicy = RetryPolicy(), mail: any MailTransport = SMTPClient(),
        commands: any CommandRunning = CommandRunner()
    ) -> DeliveryWorker {
        let clock = clock
        return DeliveryWorker(
            outbox: outbox,
            senders: DestinationSenders(
                destinationGuard: DestinationGuard(allowance: allowance, resolver: resolver), http: transport,
                mail: mail, commands: commands), policy: policy,
            surroundings: .init(now: { clock.now }, sleep: { _ in throw CancellationError() }, random: { 0 }),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Makes an alert of the given level through the real path: a rule, an event, a match.
    @discardableResult
    func raise(
        level: String = "high", index: UInt64 = 0, entity: String = "", title: String? = nil, extra: String = ""
    ) throws -> Alert {
        var rules = RuleSet()
        rules.add(
            """
            title: \(title ?? "t\(level)\(index)")
            level: \(level)
            \(extra)
            logsource: {category: supply_chain}
            detection: {s: {a: 1}, condition: s}

            """, file: "r.yml")
        var matches: [RuleMatch] = []
        let engine = DetectionEngine(rules)
        try JSONParser().withDocument(Array(#"{"a":1}"#.utf8)) { root in
            var record = EventRecord()
            if !entity.isEmpty { record.set(.actorName, entity) }
            var sealed: [UInt8] = []
            Array(#"{"a":1}"#.utf8).withUnsafeBytes { _ = SealedForm.append(&record, payload: $0, to: &sealed) }
            try sealed.withUnsafeBytes {
                engine.evaluateIgnoringSource(
                    payload: root, view: try SealedView($0), index: LeafIndex(index), into: &matches)
            }
        }
        for place in matches.indices { matches[place].sourceName = "acme" }
        return try alerts.record(matches, through: LeafIndex(index + 1))[0].alert
    }
}
