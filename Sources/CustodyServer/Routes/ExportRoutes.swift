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
        var groups: [String]?
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
        let limit = wanted.limit ?? EvidenceFormat.maximumEvents
        guard (1...EvidenceFormat.maximumEvents).contains(limit) else {
            throw Problem.badRequest("invalid_limit", "limit is a number from 1 to \(EvidenceFormat.maximumEvents)")
        }
        let export = EvidenceExport(
            state: state, principal: principal, query: authorized,
            disclosed: try Self.groups(wanted.groups, visible: authorized.visibleGroups), limit: limit,
            checkpoint: try await checkpoint(covering: state.intake.committer.end), created: now)
        let first = try await export.firstPage()
        let groups = export.disclosed.map(\.name).sorted().joined(separator: ",")
        // On record before the first byte leaves, so that no export goes unseen because it was broken off.
        try await state.audit.recordDurably(
            state.auditEntry(
                "evidence.export", activity: "read", context, resource: ("event", nil), query: query.canonical,
                details: [
                    ("groups", groups), ("limit", String(limit)),
                    ("checkpoint_size", String(export.checkpoint.checkpoint.size)),
                ]))
        return Response(
            status: .ok,
            headers: [
                .contentType: "application/x-ndjson", .contentDisposition: "attachment; filename=\"export.evidence\"",
            ],
            body: .init { writer in
                let events = try await export.write(first, to: &writer)
                try? export.state.audit.record(
                    export.state.auditEntry(
                        "evidence.exported", activity: "read", context, resource: ("event", nil),
                        query: query.canonical, details: [("events", String(events))]))
                try await writer.finish(nil)
            })
    }

    /// The groups to disclose: all that the caller may see, or those of them that were asked for.
    private static func groups(_ names: [String]?, visible: Set<FieldGroup>) throws -> Set<FieldGroup> {
        guard let names else { return visible }
        return try names.reduce(into: []) { groups, name in
            guard let group = FieldGroup.allCases.first(where: { $0.name == name }) else {
                let known = FieldGroup.allCases.map(\.name).joined(separator: ", ")
                throw Problem.badRequest("unknown_group", "there is no group \(name); the groups are \(known)")
            }
            guard visible.contains(group) else { throw Problem.forbidden("no grant shows the group \(name)") }
            groups.insert(group)
        }
    }

    /// A checkpoint over everything acknowledged by now, or, when publication lags behind, the latest there is: the pack then
    /// says how many hits it leaves out.
    private func checkpoint(covering end: LeafIndex) async throws -> SignedCheckpoint {
        let deadline = ContinuousClock.now + ServerState.checkpointLimit
        while true {
            let latest = state.ledger.latest
            if let latest, latest.checkpoint.size >= end.rawValue { return latest }
            guard ContinuousClock.now < deadline else {
                if let latest, latest.checkpoint.size > 0 { return latest }
                throw Problem(
                    .serviceUnavailable, "not_published", "no checkpoint is published yet",
                    headers: [.retryAfter: "1"])
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}
