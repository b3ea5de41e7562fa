import AccessControl
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import Intake
import Journal
import Ledger
import QueryLanguage

/// `POST /v1/export`: an evidence pack for a query.
struct ExportRoutes {

    private struct Body: Decodable {
        var q: String
        var since: String?
        var until: String?
        var limit: Int?
    }

    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.post("/v1/export", use: export)
    }

    @Sendable private func export(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let wanted: Body = try await RequestJSON.decode(request, context)
        let now = state.now()
        let query = try Query(parsing: wanted.q, now: now)
        guard query.stages.isEmpty else {
            throw Problem.badRequest("no_stages", "an evidence pack holds events: the query takes a filter, no stages")
        }
        let authorized = try Authorizer.authorize(
            query, since: SearchRoutes.time(wanted.since, "since", now),
            until: SearchRoutes.time(wanted.until, "until", now), for: principal, now: now, permission: .export)
        let result = try await state.store.search(
            authorized, SearchOptions(limit: wanted.limit ?? EvidenceFormat.maximumEvents, order: .oldestFirst))
        let indexes = result.events.map(\.index.rawValue)
        try await state.audit.recordDurably(
            state.auditEntry(
                "evidence.export", activity: "read", context, resource: ("event", nil), query: query.canonical,
                details: [("events", String(indexes.count))]))
        let checkpoint = try await state.checkpoint(covering: indexes.max())
        let header = EvidenceFormat.header(
            query: query.canonical, created: now, key: state.ledgerKey.verifierKey, checkpoint: checkpoint.note.bytes,
            count: indexes.count)
        let (state, visible, size) = (state, authorized.visibleGroups, checkpoint.checkpoint.size)
        return Response(
            status: .ok,
            headers: [
                .contentType: "application/x-ndjson", .contentDisposition: "attachment; filename=\"export.evidence\"",
            ],
            body: .init { writer in
                try await writer.write(ByteBuffer(bytes: header))
                // One event at a time: a pack may be larger than the memory that one reader should cost.
                for index in indexes {
                    let line = try Self.line(of: index, in: size, visible, state)
                    try await writer.write(ByteBuffer(bytes: line))
                }
                try await writer.finish(nil)
            })
    }

    private static func line(
        of index: UInt64, in size: UInt64, _ visible: Set<FieldGroup>, _ state: ServerState
    ) throws -> [UInt8] {
        guard let record = try state.storeView.record(at: LeafIndex(index)), let seed = record.seed else {
            throw Problem(.gone, "destroyed", "the event \(index) is gone")
        }
        guard let parts = EvidenceFormat.parts(of: seed, at: index) else {
            throw Problem(.gone, "destroyed", "the event \(index) is gone")
        }
        let proof = try state.ledger.inclusionProof(of: index, in: size)
        return try record.bytes.withUnsafeBytes {
            try EvidenceFormat.line(SealedView($0), index: index, parts: parts, visible: visible, proof: proof)
        }
    }
}
