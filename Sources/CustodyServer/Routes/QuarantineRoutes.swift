import AccessControl
import Connectors
import EventModel
import HTTPTypes
import Hummingbird
import Intake

/// `/v1/sources/quarantine`: what was refused, its bytes, and another try.
///
/// Payloads are read here and events made, so an admin's token is needed and each step is on record before it is done.
struct QuarantineRoutes {
    /// Entries in one answer; each may have 256 KiB.
    static let maximumListed = 1_000

    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/v1/sources/quarantine", use: list)
        router.get("/v1/sources/quarantine/:id", use: show)
        router.post("/v1/sources/quarantine/:id/replay", use: replay)
    }

    @Sendable private func list(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.changeConfiguration, for: context.requirePrincipal(), now: state.now())
        let source = request.uri.queryParameters["source"].map(String.init)
        let limit = try request.count("limit", in: 1...Self.maximumListed) ?? 100
        try await state.audit.recordDurably(
            state.auditEntry("quarantine.read", activity: "read", context, resource: ("source", source)))
        let entries = try await state.quarantine.list(source: source, limit: limit)
        var json = JSONWriter()
        json.object { json in
            json.member("entries") { json in
                json.array { json in
                    for entry in entries {
                        json.object { json in
                            json.member("id", entry.id)
                            json.member("time", Timestamp(nanoseconds: entry.time).text)
                            json.member("source", entry.source)
                            json.member("reason", entry.reason)
                            json.member("size", Int64(entry.size))
                            json.member("text", String(decoding: entry.bytes, as: UTF8.self))
                        }
                    }
                }
            }
        }
        return json.response()
    }

    /// The bytes of one entry, as they were kept.
    @Sendable private func show(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let entry = try await entry(context)
        try await state.audit.recordDurably(
            state.auditEntry(
                "quarantine.read", activity: "read", context, resource: ("source", entry.source),
                details: [("entry", String(entry.id))]))
        return Response(
            status: .ok, headers: [.contentType: "application/octet-stream"],
            body: .init(byteBuffer: ByteBuffer(bytes: entry.bytes)))
    }

    /// Takes an entry in again, or the mended one that the request's body brings. What is taken leaves the quarantine;
    /// what is refused once more stays.
    @Sendable private func replay(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        var request = request
        let entry = try await entry(context)
        let requests = DeliveryRequests(state: state)
        var delivery = try await requests.delivery(&request)
        if delivery.body.isEmpty {
            guard entry.isWhole else {
                throw Problem(
                    .conflict, "entry_cut",
                    "only the first \(entry.bytes.count) of \(entry.size) bytes were kept; send the whole entry")
            }
            delivery = Delivery(
                method: delivery.method, headers: DeliveryHeaders([]), body: Array(entry.bytes),
                received: delivery.received)
        }
        let source = try requests.hookSource(named: entry.source)
        try await state.audit.recordDurably(
            state.auditEntry(
                "quarantine.replay", activity: "create", context, resource: ("source", entry.source),
                details: [("entry", String(entry.id))]))
        // The key makes a second replay, after an answer that was lost, a duplicate.
        let answer = try await state.intake.submit(
            delivery, from: requests.deliverySource(source, verified: .token), catalogue: state.catalogue,
            deliveryID: "quarantine:\(entry.id)")
        if answer.rejected.isEmpty { try await state.quarantine.remove(entry.id) }
        return requests.response(answer)
    }

    private func entry(_ context: CustodyRequestContext) async throws -> QuarantineStore.Entry {
        try Authorizer.check(.changeConfiguration, for: context.requirePrincipal(), now: state.now())
        let text = try context.parameters.require("id")
        guard let id = Int64(text) else {
            throw Problem.badRequest("invalid_id", "an entry's id is a number")
        }
        guard let entry = try await state.quarantine.entry(id) else {
            throw Problem.notFound("there is no entry \(id) in the quarantine")
        }
        return entry
    }
}
