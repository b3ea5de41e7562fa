import AccessControl
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import Ledger

/// `/v1/redactions`: destroys groups of single events, with the signatures of approvers.
struct RedactionRoutes {
    private struct Selection: Decodable {
        var q: String
        var since: String?
        var until: String?
    }

    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/v1/redactions", use: list)
        router.post("/v1/redactions", use: redact)
        router.post("/v1/redactions/selection", use: select)
    }

    @Sendable private func list(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.readConfiguration, for: context.requirePrincipal(), now: state.now())
        try state.audit.record(
            state.auditEntry("redaction.list", activity: "read", context, resource: ("redaction", nil)))
        var json = JSONWriter()
        json.object { json in
            json.member("redactions") { json in
                json.array { json in
                    for redaction in state.records.history.redactions where redaction.objection == nil {
                        json.object { json in
                            json.member("leaf", Int64(redaction.leaf))
                            json.member("events", Int64(clamping: redaction.leaves.count))
                            Self.write(redaction.groups, to: &json)
                        }
                    }
                }
            }
        }
        return json.response()
    }

    /// The leaves that a query finds, for the request that approvers sign. Destroys nothing.
    @Sendable private func select(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let body: Selection = try await RequestJSON.decode(request, context)
        try Authorizer.check(.changeConfiguration, for: context.requirePrincipal(), now: state.now())
        let found = try await EventSelection(state: state).leaves(
            of: body.q, since: body.since, until: body.until, context)
        try await state.audit.recordDurably(
            state.auditEntry(
                "redaction.select", activity: "read", context, resource: ("event", nil), query: found.query,
                details: [("events", String(found.leaves.count))]))
        var json = JSONWriter()
        json.object { json in
            json.member("query", found.query)
            json.member("ledger", state.ledgerKey.verifierKey.name)
            json.member("events", Int64(clamping: found.leaves.count))
            json.member("leaves") { json in
                json.array { json in
                    for pair in found.leaves.document {
                        json.array { json in for bound in pair { json.value(Int64(clamping: bound)) } }
                    }
                }
            }
        }
        return json.response()
    }

    /// Answers when nothing of the groups is left in this data directory.
    @Sendable private func redact(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        try Authorizer.check(.changeConfiguration, for: principal, now: state.now())
        let body: ApprovalBody = try await RequestJSON.decode(request, context)
        let document = try body.document(.redact)
        var entry = state.auditEntry("redaction.run", activity: "delete", context, resource: ("event", nil))
        if let objection = state.records.objection(to: document) {
            entry.outcome = "denied"
            entry.reason = objection.reason
            try await state.audit.recordDurably(entry)
            throw objection
        }
        try await state.audit.recordDurably(entry)
        let leaf = try await state.destruction.redact(document, actor: principal)
        let redaction = state.records.history.redactions.last { $0.leaf == leaf }
        var json = JSONWriter()
        json.object { json in
            json.member("leaf", Int64(leaf))
            if let redaction {
                json.member("events", Int64(clamping: redaction.leaves.count))
                Self.write(redaction.groups, to: &json)
            }
            json.member("unreached_copies") { json in
                json.array { json in for copy in Self.unreachedCopies { json.value(copy) } }
            }
        }
        return json.response(status: .created)
    }

    /// Copies that Custody cannot change; whoever erases has to see to them.
    private static let unreachedCopies = [
        "backups of the data directory", "evidence packs and exports that were taken before",
        "notifications that were sent before",
    ]

    private static func write(_ groups: Set<FieldGroup>, to json: inout JSONWriter) {
        json.member("groups") { json in
            json.array { json in
                for group in groups.sorted(by: { $0.rawValue < $1.rawValue }) { json.value(group.name) }
            }
        }
    }
}
