import AccessControl
import EventModel
import HTTPTypes
import Hummingbird
import Ledger

/// `/v1/approvers`: whose signatures let something be destroyed.
struct ApproverRoutes {
    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/v1/approvers", use: list)
        router.post("/v1/approvers", use: change)
    }

    @Sendable private func list(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.readConfiguration, for: context.requirePrincipal(), now: state.now())
        try state.audit.record(
            state.auditEntry("approver.list", activity: "read", context, resource: ("approver", nil)))
        let history = state.records.history
        var json = JSONWriter()
        json.object { json in
            json.member("ledger", state.ledgerKey.verifierKey.name)
            json.member("required_signatures", Int64(history.requiredSignatures))
            json.member("approvers") { json in
                json.array { json in
                    for key in history.approvers {
                        json.object { json in
                            json.member("name", key.name)
                            json.member("vkey", key.description)
                        }
                    }
                }
            }
        }
        return json.response()
    }

    /// Adds or removes an approver, whichever the request is about.
    @Sendable private func change(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.manageAccess, for: context.requirePrincipal(), now: state.now())
        let body: ApprovalBody = try await RequestJSON.decode(request, context)
        let document = try body.document(.addApprover, .removeApprover)
        let leaf = try await state.commitApproved(document, context, resource: ("approver", nil))
        var json = JSONWriter()
        json.object { $0.member("leaf", Int64(leaf)) }
        return json.response(status: .created)
    }
}

extension ServerState {
    /// Makes a leaf of a document that approvers have signed, unless something is wrong with it.
    ///
    /// - Throws: ``RecordError`` with what is wrong; the attempt is on record then.
    func commitApproved(
        _ document: SystemDocument, _ context: CustodyRequestContext, resource: (type: String, name: String?)
    ) async throws -> UInt64 {
        var entry = auditEntry(document.type.rawValue, activity: "update", context, resource: resource)
        if let objection = records.objection(to: document) {
            entry.outcome = "denied"
            entry.reason = objection.reason
            try await audit.recordDurably(entry)
            throw objection
        }
        return try await records.commit([.init(document: document, entry: entry)])[0]
    }
}
