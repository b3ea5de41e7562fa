import AccessControl
import EventModel
import EventStore
import Foundation
import HTTPTypes
import Hummingbird
import Intake
import Journal
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
        let found = try await find(index, [.envelope], context)
        try state.audit.record(
            state.auditEntry("event.read", activity: "read", context, resource: ("event", String(index.rawValue))))
        var json = JSONWriter()
        json.raw(found.json)
        return json.response()
    }

    @Sendable private func raw(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let index = try Self.index(context)
        let found = try await find(index, [.envelope, .raw], context)
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
        _ = try await find(index, [.envelope], context)
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
        _ = try await find(index, [.envelope], context)
        let reach = UInt64(
            try request.count("events", in: 1...Self.maximumContextEvents) ?? Self.contextEvents)
        let read = try Authorizer.authorizeRead(of: [.envelope], for: context.requirePrincipal(), now: state.now())
        try state.audit.record(
            state.auditEntry(
                "event.read_context", activity: "read", context, resource: ("event", String(index.rawValue))))
        let first = index.rawValue - min(index.rawValue, reach)
        let last = min(index.rawValue + reach, max(state.intake.committer.end.rawValue, 1) - 1)
        var json = JSONWriter()
        var neighbours: [[UInt8]] = []
        for neighbour in first...max(first, last) {
            if let event = try await state.store.event(at: LeafIndex(neighbour), read) { neighbours.append(event.json) }
        }
        json.object { json in
            json.member("events") { json in json.array { json in for event in neighbours { json.raw(event) } } }
        }
        return json.response()
    }

    /// Finds an event that the caller may see. What was committed a moment ago and is not searchable yet is waited for.
    private func find(
        _ index: LeafIndex, _ groups: Set<FieldGroup>, _ context: CustodyRequestContext
    ) async throws -> StoredEvent {
        let read = try Authorizer.authorizeRead(of: groups, for: context.requirePrincipal(), now: state.now())
        guard index < state.intake.committer.end else { throw Problem.notFound("there is no event \(index)") }
        let deadline = ContinuousClock.now + .seconds(1)
        while true {
            if let event = try await state.store.event(at: index, read) { return event }
            if let entry = try? state.ledger.entry(at: index.rawValue),
                case .lawful(_, let leaf) = state.records.history.destruction(of: index.rawValue, entry)
            {
                throw Problem(
                    .gone, "destroyed", "event \(index) was destroyed at the end of its retention; see leaf \(leaf)")
            }
            let isIndexed = state.storeView.snapshot().contains { $0.indexes.upperBound >= index }
            guard !isIndexed, ContinuousClock.now < deadline else {
                throw Problem.notFound("there is no event \(index)")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private static func index(_ context: CustodyRequestContext) throws -> LeafIndex {
        guard let number = UInt64(try context.parameters.require("index")) else {
            throw Problem.badRequest("invalid_index", "an event's index is a number")
        }
        return LeafIndex(number)
    }
}
