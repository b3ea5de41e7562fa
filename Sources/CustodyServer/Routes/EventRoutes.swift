import AccessControl
import EventModel
import EventStore
import Foundation
import HTTPTypes
import Hummingbird
import Intake
import Ledger
import QueryLanguage

/// `/v1/events/INDEX`, `/raw`, `/proof`, `/context`.
struct EventRoutes {
    /// Events around one, on each side.
    static let contextEvents = 10
    static let maximumContextEvents = 100

    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/v1/events/:index", use: event)
        router.get("/v1/events/:index/raw", use: raw)
        router.get("/v1/events/:index/proof", use: proof)
        router.get("/v1/events/:index/context", use: context)
    }

    @Sendable private func event(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let index = try Self.index(context)
        let found = try await state.event(at: index, [.envelope], context)
        try state.audit.record(
            state.auditEntry("event.read", activity: "read", context, resource: ("event", String(index.rawValue))))
        var json = JSONWriter()
        json.raw(Self.withOverlay(found))
        return json.response()
    }

    /// The sealed event, and as its last member `overlay` what it reads like now where it was read again.
    private static func withOverlay(_ event: StoredEvent) -> [UInt8] {
        guard let overlay = event.overlay else { return event.json }
        return Array(event.json.dropLast()) + Array(",\"overlay\":".utf8) + overlay + [UInt8(ascii: "}")]
    }

    @Sendable private func raw(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let index = try Self.index(context)
        let found = try await state.event(at: index, [.envelope, .raw], context)
        guard let payload = found.payload else { throw Problem.notFound("the payload of event \(index) was destroyed") }
        try await state.audit.recordDurably(
            state.auditEntry("event.read_raw", activity: "read", context, resource: ("event", String(index.rawValue))))
        let isJSON = payload.first.map { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "[") } ?? false
        return Response(
            status: .ok, headers: [.contentType: isJSON ? "application/json" : "text/plain; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(bytes: payload)))
    }

    @Sendable private func proof(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let index = try Self.index(context)
        _ = try await state.event(at: index, [.envelope], context)
        // An event of this second is proved by the checkpoint that comes next.
        _ = try await state.checkpoint(covering: index.rawValue)
        let proof = try state.ledger.tlogProof(of: index.rawValue)
        try state.audit.record(
            state.auditEntry(
                "event.read_proof", activity: "read", context, resource: ("event", String(index.rawValue))))
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/plain; charset=utf-8",
                .contentDisposition: "attachment; filename=\"\(index.rawValue).tlog-proof\"",
            ], body: .init(byteBuffer: ByteBuffer(bytes: proof.bytes)))
    }

    /// The neighbours in the order of the ledger.
    @Sendable private func context(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let index = try Self.index(context)
        _ = try await state.event(at: index, [.envelope], context)
        let reach = UInt64(
            try request.count("events", in: 1...Self.maximumContextEvents) ?? Self.contextEvents)
        let read = try Authorizer.authorizeRead(of: [.envelope], for: context.requirePrincipal(), now: state.now())
        try state.audit.record(
            state.auditEntry(
                "event.read_context", activity: "read", context, resource: ("event", String(index.rawValue))))
        let neighbours = try await state.neighbours(of: index, reach: reach, read)
        var json = JSONWriter()
        json.object { json in
            json.member("events") { json in json.array { json in for event in neighbours { json.raw(event.json) } } }
        }
        return json.response()
    }

    static func index(_ context: CustodyRequestContext) throws -> LeafIndex {
        guard let number = UInt64(try context.parameters.require("index")) else {
            throw Problem.badRequest("invalid_index", "an event's index is a number")
        }
        return LeafIndex(number)
    }
}
