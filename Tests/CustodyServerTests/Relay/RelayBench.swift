import Crypto
import DurableFiles
import EventModel
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Intake
import Ledger
import Logging
import Synchronization
import SystemPackage
import Testing

@testable import CustodyServer

/// A clock that tests move. One that runs, too, goes on by itself in between, as a store needs it that shows what came lately.
final class RelayClock: Sendable {
    private let time = Mutex(Timestamp(parsing: "2026-11-20T10:00:00Z")!)
    private let start: ContinuousClock.Instant?

    init(runs: Bool = false) { start = runs ? .now : nil }

    var now: Timestamp {
        let passed = start.map { ContinuousClock.now - $0 } ?? .zero
        let nanoseconds = passed.components.seconds * 1_000_000_000 + passed.components.attoseconds / 1_000_000_000
        return time.withLock { $0 }.advanced(byNanoseconds: nanoseconds)
    }

    func pass(_ seconds: Int64) { time.withLock { $0 = $0.advanced(byNanoseconds: seconds * 1_000_000_000) } }
}

/// A relay on a disk in memory, asked through its router.
struct RelayBench: Sendable {
    static let serverKey = try! RelayIdentity(privateKey: [UInt8](repeating: 7, count: 32))

    let disk: FaultingFileSystem
    let clock: RelayClock
    var limits = RelayLimits()

    init(disk: FaultingFileSystem = FaultingFileSystem(seed: 1), clock: RelayClock = RelayClock()) {
        self.disk = disk
        self.clock = clock
        limits.reservedDiskBytes = 0
    }

    func open(for server: RelayPublicKey? = serverKey.publicKey) throws -> RelayRun {
        var configuration = RelayConfiguration(dataDirectory: "/relay")
        configuration.server = server
        configuration.limits = limits
        return try RelayRun(
            configuration, fileSystem: disk, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            now: { [clock] in clock.now }, monotonic: { [clock] in Double(clock.now.seconds) }, onFatal: { _ in })
    }

    /// Runs a relay's process: what it holds goes with it.
    func run(
        for server: RelayPublicKey? = serverKey.publicKey,
        _ body: @escaping @Sendable (any TestClientProtocol, RelayPublicKey) async throws -> Void
    ) async throws {
        let relay = try open(for: server)
        let key = relay.publicKey
        try await Application(router: relay.router()).test(.router) { try await body($0, key) }
    }
}

/// Brings a server's drains to a relay in the same process, and fails when it is told to.
final class RelayLoop: RelayTransport {
    enum Trouble: Sendable {
        case none
        /// The relay does not get it.
        case before
        /// The answer does not come.
        case after
        /// Somebody between changes a byte.
        case changed
    }

    private let client: any TestClientProtocol
    let trouble = Mutex(Trouble.none)
    let requests = Mutex<[(headers: [(String, String)], body: [UInt8])]>([])

    init(_ client: any TestClientProtocol) { self.client = client }

    func post(
        _ url: String, headers: [(name: String, value: String)], body: [UInt8], limit: Int
    ) async throws -> PullReply {
        let trouble = trouble.withLock { $0 }
        if trouble == .before { throw PullError(.unavailable, "no answer") }
        requests.withLock { $0.append((headers.map { ($0.name, $0.value) }, body)) }
        var fields = HTTPFields()
        for (name, value) in headers { if let name = HTTPField.Name(name) { fields[name] = value } }
        var reply = try await client.execute(
            uri: DrainRequest.path, method: .post, headers: fields, body: ByteBuffer(bytes: body)
        ) { response in
            PullReply(
                status: response.status.code, headers: response.headers.map { ($0.name.rawName, $0.value) },
                body: Array(response.body.readableBytesView))
        }
        if trouble == .after { throw PullError(.unavailable, "no answer") }
        if trouble == .changed { reply.body[reply.body.count - 1] ^= 1 }
        return reply
    }
}

enum RelaySignature {
    static func github(_ body: String, secret: String) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: Data(body.utf8), using: SymmetricKey(data: Data(secret.utf8)))
        return "sha256=" + LowercaseHex.encode(code)
    }

    /// The scheme of `hoop-webhook`: the key in base64 behind a prefix, over id, time and body.
    static func timed(_ body: String, id: String, time: Timestamp, key: Data) -> String {
        let text = "\(id).\(time.seconds).\(body)"
        let code = HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: SymmetricKey(data: key))
        return "v1," + Data(code).base64EncodedString()
    }
}
