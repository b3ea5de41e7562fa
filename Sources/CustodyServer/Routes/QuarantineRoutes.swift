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
    /// Entries that are read at once while all of a source are taken in.
    private static let replayedAtOnce = 32

    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/v1/sources/quarantine", use: list)
        router.get("/v1/sources/quarantine/:id", use: show)
        router.post("/v1/sources/quarantine/:id/replay", use: replay)
        router.post("/v1/sources/:name/quarantine/replay", use: replayAll)
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
        let entry = try await entry(context)
        let requests = DeliveryRequests(state: state)
        var delivery = try await requests.delivery(request)
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
        let source = try requests.deliverySource(requests.hookSource(named: entry.source), verified: .token)
        try await state.audit.recordDurably(
            state.auditEntry(
                "quarantine.replay", activity: "create", context, resource: ("source", entry.source),
                details: [("entry", String(entry.id))]))
        return requests.response(try await submit(delivery, of: entry, from: source))
    }

    /// Hands an entry to intake; what is taken leaves the quarantine. The key makes a second replay, after an answer that was
    /// lost, a duplicate.
    private func submit(
        _ delivery: Delivery, of entry: QuarantineStore.Entry, from source: DeliverySource
    ) async throws -> IntakeAnswer {
        let answer = try await state.intake.submit(
            delivery, from: source, catalogue: state.catalogue, enrichment: state.enrichment.current,
            deliveryID: "quarantine:\(entry.id)")
        if answer.rejected.isEmpty { try await state.quarantine.remove(entry.id) }
        return answer
    }

    /// Takes a source's entries in again in the order in which they came: after its connector was mended. What is refused once
    /// more stays, as does what was cut; neither holds up what came later.
    @Sendable private func replayAll(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.changeConfiguration, for: context.requirePrincipal(), now: state.now())
        let name = try context.parameters.require("name")
        let requests = DeliveryRequests(state: state)
        let source = try requests.deliverySource(requests.hookSource(named: name), verified: .token)
        let limit = try request.count("limit", in: 1...Self.maximumListed) ?? Self.maximumListed
        let after = try Self.position(request)
        try await state.audit.recordDurably(
            state.auditEntry("quarantine.replay", activity: "create", context, resource: ("source", name)))
        var tally = ReplayTally(last: after)
        while tally.looked < limit {
            let entries = try await state.quarantine.oldest(
                source: name, after: tally.last, limit: min(Self.replayedAtOnce, limit - tally.looked))
            guard !entries.isEmpty else { break }
            for entry in entries {
                guard entry.isWhole, !entry.bytes.isEmpty else {
                    tally.cut(entry)
                    continue
                }
                let delivery = Delivery(
                    method: "POST", headers: DeliveryHeaders([]), body: Array(entry.bytes), received: state.now())
                tally.add(try await submit(delivery, of: entry, from: source), entry)
            }
        }
        let hasMore = try await !state.quarantine.oldest(source: name, after: tally.last, limit: 1).isEmpty
        return tally.response(left: try await state.quarantine.count(source: name), hasMore: hasMore)
    }

    /// The entry behind which to go on.
    private static func position(_ request: Request) throws -> Int64 {
        guard let text = request.uri.queryParameters["after"] else { return 0 }
        guard let after = Int64(text), after >= 0 else {
            throw Problem.badRequest("invalid_after", "after is the id of an entry")
        }
        return after
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

/// What became of the entries that were taken in again.
private struct ReplayTally {
    /// The last entry that was looked at.
    private(set) var last: Int64
    private(set) var looked = 0
    private var taken = 0
    private var refused = 0
    private var cut = 0
    private var accepted = 0
    private var duplicates = 0
    private var reason: String?

    init(last: Int64) { self.last = last }

    mutating func cut(_ entry: QuarantineStore.Entry) {
        last = entry.id
        looked += 1
        cut += 1
    }

    mutating func add(_ answer: IntakeAnswer, _ entry: QuarantineStore.Entry) {
        last = entry.id
        looked += 1
        accepted += answer.accepted
        duplicates += answer.duplicates
        if let rejection = answer.rejected.first {
            refused += 1
            if reason == nil { reason = "entry \(entry.id): \(rejection.reason)" }
        } else {
            taken += 1
        }
    }

    func response(left: Int, hasMore: Bool) -> Response {
        var json = JSONWriter()
        json.object { json in
            json.member("taken", Int64(taken))
            json.member("refused", Int64(refused))
            json.member("cut", Int64(cut))
            json.member("accepted", Int64(accepted))
            json.member("duplicates", Int64(duplicates))
            json.member("reason", reason)
            json.member("left", Int64(left))
            // Where the next request goes on, when there is one to be made.
            if hasMore { json.member("after", last) }
        }
        return json.response()
    }
}
