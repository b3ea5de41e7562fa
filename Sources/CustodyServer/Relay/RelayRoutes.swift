import Connectors
import EventModel
import Foundation
import HTTPTypes
import Hummingbird
import Ledger
import Logging
import NIOCore
import Synchronization

/// What a request to a relay carries.
struct RelayRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The peer's address, without port.
    let clientAddress: String?

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        clientAddress = source.channel.remoteAddress?.ipAddress
    }
}

/// A relay's surface: deliveries come in from anywhere, the server drains them.
struct RelayRoutes: Sendable {
    /// Seconds after which a refused sender may try again when the spool is full.
    private static let fullSeconds = 60

    let spool: SpoolQueue
    let sources: RelaySources
    let channel: RelayChannel
    let counters: RelayCounters
    let limits: RelayLimits
    let now: @Sendable () -> Timestamp
    let monotonic: @Sendable () -> Double
    private let flood: FloodBox
    private let memory = MemoryBudget()

    init(
        spool: SpoolQueue, sources: RelaySources, channel: RelayChannel, counters: RelayCounters, limits: RelayLimits,
        now: @escaping @Sendable () -> Timestamp, monotonic: @escaping @Sendable () -> Double
    ) {
        self.spool = spool
        self.sources = sources
        self.channel = channel
        self.counters = counters
        self.limits = limits
        self.now = now
        self.monotonic = monotonic
        flood = FloodBox(limits)
    }

    func register(on router: Router<RelayRequestContext>) {
        router.add(middleware: RelayProblems())
        router.post("/v1/hooks/:name", use: hook)
        router.get("/v1/hooks/:name", use: hook)
        router.post("/v1/relay/drain", use: drain)
        router.get("/healthz", use: health)
        router.get("/openapi.yaml") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "application/yaml"],
                body: .init(byteBuffer: ByteBuffer(bytes: PackageResources.relay_openapi_yaml)))
        }
    }

    @Sendable private func health(_ request: Request, context: RelayRequestContext) async throws -> Response {
        let text = spool.failure == nil ? "ok\n" : "the spool has failed\n"
        return Response(
            status: spool.failure == nil ? .ok : .serviceUnavailable,
            headers: [.contentType: "text/plain; charset=utf-8"], body: .init(byteBuffer: ByteBuffer(string: text)))
    }

    // MARK: Deliveries

    @Sendable private func hook(_ request: Request, context: RelayRequestContext) async throws -> Response {
        try checkFlood(context)
        let name = try context.parameters.require("name").removingPercentEncoding ?? ""
        let connector: Connector?
        switch sources.find(name) {
        case .unpaired:
            counters.refuse(.unpaired)
            throw Problem(
                .serviceUnavailable, "not_paired", "no server has drained this relay yet",
                headers: [.retryAfter: String(Self.fullSeconds)])
        case .unknown:
            counters.refuse(.unknown)
            throw Problem.notFound("there is no source of this name")
        case .known(let known): connector = known
        }
        let size = max(0, request.headers[.contentLength].flatMap(Int.init) ?? limits.deliveryBytes)
        guard size <= limits.deliveryBytes else { throw tooLarge() }
        guard memory.take(size, of: limits.memoryBytes) else {
            counters.refuse(.memory)
            throw Problem(
                .tooManyRequests, "overloaded", "too many deliveries at once", headers: [.retryAfter: "1"])
        }
        defer { memory.give(size) }
        var request = request
        let buffer: ByteBuffer
        do {
            buffer = try await request.collectBody(upTo: limits.deliveryBytes)
        } catch is NIOTooManyBytesError {
            throw tooLarge()
        } catch {
            counters.refuse(.broken)
            throw Problem.badRequest("broken", "the body did not come to its end")
        }
        let entry = RelayEntry(
            name: name, method: request.method.rawValue, received: now(), client: context.clientAddress,
            headers: request.headers.map { [$0.name.rawName, $0.value] }, body: Array(buffer.readableBytesView))
        let answer = answer(to: entry, connector)
        if let answer, !answer.isEvent {
            counters.answer()
            return Self.response(answer)
        }
        guard request.method == .post else {
            throw Problem(
                .methodNotAllowed, "method_not_allowed", "deliveries are sent by POST", headers: [.allow: "POST"])
        }
        do {
            try await spool.append(.init(name: name, sealed: try channel.seal(try entry.text())))
        } catch RelayError.full(let reason) {
            counters.refuse(.full)
            throw Problem(
                .serviceUnavailable, "full", reason, headers: [.retryAfter: String(Self.fullSeconds)])
        } catch RelayError.failed {
            counters.refuse(.broken)
            throw Problem(
                .serviceUnavailable, "failed", "the spool has failed", headers: [.retryAfter: String(Self.fullSeconds)])
        }
        counters.accept()
        return answer.map(Self.response)
            ?? Response(
                status: .ok, headers: [.contentType: "application/json"],
                body: .init(byteBuffer: ByteBuffer(string: #"{"relayed":true}"#)))
    }

    private func tooLarge() -> Problem {
        counters.refuse(.large)
        return Problem(.contentTooLarge, "too_large", "a delivery has at most \(limits.deliveryBytes) bytes")
    }

    /// What the provider has to be answered at once. What needs the source's secret cannot be answered here.
    private func answer(to entry: RelayEntry, _ connector: Connector?) -> DeliveryAnswer? {
        connector?.answer(
            to: Delivery(
                method: entry.method, headers: DeliveryHeaders(entry.headers.map { ($0[0], $0[1]) }), body: entry.body,
                received: entry.received))
    }

    private static func response(_ answer: DeliveryAnswer) -> Response {
        Response(
            status: .init(code: answer.status), headers: [.contentType: answer.contentType],
            body: .init(byteBuffer: ByteBuffer(bytes: answer.body)))
    }

    private func checkFlood(_ context: RelayRequestContext) throws {
        guard let seconds = flood.take(CredentialFailures.client(context.clientAddress), at: monotonic()) else {
            return
        }
        counters.refuse(.flood)
        throw Problem(
            .tooManyRequests, "flood", "too many requests from this address", headers: [.retryAfter: String(seconds)])
    }

    // MARK: Draining

    @Sendable private func drain(_ request: Request, context: RelayRequestContext) async throws -> Response {
        try checkFlood(context)
        let (time, nonce, code) = (
            Self.header(DrainProof.time, request), Self.header(DrainProof.nonce, request),
            Self.header(DrainProof.code, request)
        )
        guard let seconds = Int64(time), (16...64).contains(nonce.utf8.count), !code.isEmpty else {
            throw denied("the request proves nothing")
        }
        var request = request
        guard let buffer = try? await request.collectBody(upTo: limits.drainRequestBytes) else {
            throw Problem(.contentTooLarge, "too_large", "a drain has at most \(limits.drainRequestBytes) bytes")
        }
        let body = Array(buffer.readableBytesView)
        guard channel.isProof(code, DrainRequest.purpose, [Array(time.utf8), Array(nonce.utf8), body]) else {
            throw denied("this is not the server that this relay is for")
        }
        let difference = now().seconds.subtractingReportingOverflow(seconds)
        guard !difference.overflow, difference.partialValue.magnitude <= limits.clockSkewSeconds.magnitude else {
            throw denied("the clocks of server and relay differ by more than \(limits.clockSkewSeconds) seconds")
        }
        guard let wanted = try? JSONDecoder().decode(DrainRequest.self, from: Data(body)) else {
            throw Problem.badRequest("malformed", "the body is not what a server asks")
        }
        try sources.update(wanted.sources)
        let after = wanted.after.map {
            (LowercaseHex.decode($0.spool) ?? [], $0.number, LowercaseHex.decode($0.mark) ?? [])
        }
        let batch = try await spool.drain(after: after, bytes: min(max(wanted.bytes, 1), limits.drainBytes))
        let answer = try DrainAnswer(
            head: .init(
                spool: LowercaseHex.encode(batch.spool), more: batch.hasMore, waiting: batch.size.waiting,
                bytes: batch.size.bytes, accepted: counters.accepted, refused: counters.refused),
            deliveries: batch.deliveries
        ).text()
        var response = Response(
            status: .ok, headers: [.contentType: "application/vnd.custody.relay", .cacheControl: "no-store"],
            body: .init(byteBuffer: ByteBuffer(bytes: answer)))
        if let name = HTTPField.Name(DrainProof.code) {
            response.headers[name] = channel.proof(DrainAnswer.purpose, [Array(nonce.utf8), answer])
        }
        return response
    }

    private func denied(_ reason: String) -> Problem {
        counters.refuse(.denied)
        return Problem(.unauthorized, "unauthenticated", reason, headers: [.wwwAuthenticate: "Custody-Relay"])
    }

    private static func header(_ name: String, _ request: Request) -> String {
        HTTPField.Name(name).flatMap { request.headers[$0] } ?? ""
    }
}

/// Turns errors into problem answers.
private struct RelayProblems: RouterMiddleware {
    typealias Context = RelayRequestContext

    func handle(
        _ request: Request, context: RelayRequestContext,
        next: (Request, RelayRequestContext) async throws -> Response
    ) async throws -> Response {
        var response: Response
        do {
            response = try await next(request, context)
        } catch let problem as Problem {
            response = problem.response(requestID: context.id)
        } catch let error as HTTPError where error.status == .notFound {
            response = Problem.notFound("there is no such route; /openapi.yaml describes all").response(
                requestID: context.id)
        } catch {
            context.logger.error("request failed", metadata: ["error": "\(error)"])
            response = Problem(.serviceUnavailable, "internal", "the relay cannot do this now").response(
                requestID: context.id)
        }
        response.headers[.xContentTypeOptions] = "nosniff"
        return response
    }
}

/// The flood guard behind a lock.
private final class FloodBox: Sendable {
    private let guarded: Mutex<FloodGuard>
    init(_ limits: RelayLimits) { guarded = Mutex(FloodGuard(limits)) }
    func take(_ address: String, at moment: Double) -> Int? { guarded.withLock { $0.take(address, at: moment) } }
}

/// Bytes of bodies that are being taken.
private final class MemoryBudget: Sendable {
    private let used = Mutex(0)

    func take(_ bytes: Int, of limit: Int) -> Bool {
        used.withLock { used in
            guard used + bytes <= limit else { return false }
            used += bytes
            return true
        }
    }

    func give(_ bytes: Int) { used.withLock { $0 -= bytes } }
}
