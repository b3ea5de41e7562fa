import AccessControl
import Detection
import EventModel
import Foundation
import HTTPTypes
import Hummingbird
import Ledger

/// `/v1/alerts`: list, show, evidence with proofs, acknowledge, assign, comment, close, reopen.
struct AlertRoutes {
    /// Proofs in one answer: each is a few kilobytes and some hashes.
    static let maximumProofs = 1_000

    private struct Assignment: Decodable { var assignee: String? }
    private struct Remark: Decodable { var comment: String }
    private struct Reopening: Decodable { var comment: String? }
    private struct Closing: Decodable {
        var verdict: String
        var comment: String?
    }

    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/v1/alerts", use: list)
        router.get("/v1/alerts/:id", use: show)
        router.get("/v1/alerts/:id/evidence", use: evidence)
        router.post("/v1/alerts/:id/ack", use: acknowledge)
        router.post("/v1/alerts/:id/assign", use: assign)
        router.post("/v1/alerts/:id/comment", use: comment)
        router.post("/v1/alerts/:id/close", use: close)
        router.post("/v1/alerts/:id/reopen", use: reopen)
    }

    @Sendable private func list(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try requireReader(context)
        let filter = try Self.filter(request)
        let limit = try request.count("limit", in: 1...AlertStore.maximumPage) ?? 100
        let page = try state.alerts.list(filter, before: request.cursor(), limit: limit)
        try state.audit.record(state.auditEntry("alert.list", activity: "read", context, resource: ("alert", nil)))
        var json = JSONWriter()
        json.object { json in
            json.member("alerts") { json in
                json.array { json in for alert in page.alerts { Self.write(alert, to: &json) } }
            }
            json.member("cursor", page.next.map(String.init))
        }
        return json.response()
    }

    static func filter(_ request: Request) throws -> AlertFilter {
        let query = request.uri.queryParameters
        var filter = AlertFilter()
        if let text = query["kind"] {
            filter.kind = Alert.Kind(rawValue: String(text))
            guard filter.kind != nil || text == "all" else {
                throw Problem.badRequest("invalid_kind", "a kind is alert, signal or all")
            }
        }
        if let text = query["status"], text != "all" {
            filter.statuses = Set(
                try text.split(separator: ",").map { name in
                    guard let status = Alert.Status(rawValue: String(name)) else {
                        throw Problem.badRequest("invalid_status", "a status is open, acknowledged, closed or all")
                    }
                    return status
                })
        }
        if let text = query["severity"] {
            guard let severity = Severity(rawValue: String(text)) else {
                throw Problem.badRequest(
                    "invalid_severity", "a severity is informational, low, medium, high or critical")
            }
            filter.minimumSeverity = severity
        }
        filter.ruleKey = query["rule"].map(String.init)
        filter.entity = query["entity"].map(String.init)
        filter.assignee = query["assignee"].map(String.init)
        filter.incident = query["incident"].map(String.init)
        return filter
    }

    @Sendable private func show(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try requireReader(context)
        let id = try context.parameters.require("id")
        let alert = try state.alerts.alert(id)
        try state.audit.record(state.auditEntry("alert.read", activity: "read", context, resource: ("alert", id)))
        var json = JSONWriter()
        Self.write(
            alert, evidence: try state.alerts.evidence(of: id), activity: try state.alerts.activity(of: id), to: &json)
        return json.response()
    }

    /// The alert's events, each with its inclusion proof under the latest checkpoint (C2SP tlog-proof). An event that no
    /// checkpoint covers yet, for a second at most, comes without.
    @Sendable private func evidence(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try requireReader(context)
        let id = try context.parameters.require("id")
        let alert = try state.alerts.alert(id)
        let limit = try request.count("limit", in: 1...Self.maximumProofs) ?? 100
        let after = try request.cursor().map { LeafIndex(UInt64($0)) }
        let leaves = try state.alerts.evidence(of: id, after: after, limit: limit + 1)
        let page = leaves.prefix(limit)
        try await state.audit.recordDurably(
            state.auditEntry("alert.read_evidence", activity: "read", context, resource: ("alert", id)))
        var json = JSONWriter()
        try json.object { json in
            json.member("alert", id)
            json.member("rule_sha256", alert.ruleHash)
            json.member("rule_version", alert.ruleVersion)
            try json.member("evidence") { json in
                try json.array { json in for leaf in page { try write(leaf, to: &json) } }
            }
            json.member("unlisted_evidence", alert.unlistedEvidence)
            if leaves.count > limit { json.member("cursor", page.last.map { String($0.rawValue) }) }
        }
        return json.response()
    }

    private func write(_ leaf: LeafIndex, to json: inout JSONWriter) throws {
        var proof: String?
        do {
            proof = String(decoding: try state.ledger.tlogProof(of: leaf.rawValue).bytes, as: UTF8.self)
        } catch let error as LedgerError where error.code == .outOfRange {
            // Said by its absence; the next checkpoint is a second away.
        }
        json.object { json in
            json.member("index", Int64(bitPattern: leaf.rawValue))
            json.member("event", "/v1/events/\(leaf.rawValue)")
            json.member("proof", proof)
        }
    }

    // MARK: Changes

    @Sendable private func acknowledge(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try await change(context) { try state.alerts.acknowledge($0, by: $1) }
    }

    @Sendable private func assign(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let wanted: Assignment = try await RequestJSON.decode(request, context)
        return try await change(context) { try state.alerts.assign($0, to: wanted.assignee, by: $1) }
    }

    @Sendable private func comment(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let wanted: Remark = try await RequestJSON.decode(request, context)
        return try await change(context) { try state.alerts.comment($0, wanted.comment, by: $1) }
    }

    @Sendable private func close(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let wanted: Closing = try await RequestJSON.decode(request, context)
        guard let verdict = Alert.Verdict(rawValue: wanted.verdict) else {
            throw Problem.badRequest("invalid_verdict", "a verdict is true_positive, false_positive or benign")
        }
        return try await change(context) {
            try state.alerts.close($0, verdict: verdict, comment: wanted.comment, by: $1)
        }
    }

    @Sendable private func reopen(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let wanted: Reopening = try await RequestJSON.decode(request, context)
        return try await change(context) { try state.alerts.reopen($0, reason: wanted.comment, by: $1) }
    }

    private func change(
        _ context: CustodyRequestContext, _ body: (_ id: String, _ actor: String) throws -> AlertTransition
    ) async throws -> Response {
        let transition = try await state.changeAlert(context, body)
        var json = JSONWriter()
        Self.write(transition.alert, to: &json)
        return json.response()
    }

    // MARK: Reading

    /// Alerts name entities and rules of all events, so only who may see all events sees them.
    private func requireReader(_ context: CustodyRequestContext) throws {
        try Authorizer.check(.search, for: context.requirePrincipal(), now: state.now())
    }

    static func write(
        _ alert: Alert, evidence: [LeafIndex]? = nil, activity: [AlertActivity]? = nil, to json: inout JSONWriter
    ) {
        var bytes: [UInt8] = []
        alert.appendJSON(evidence: evidence, activity: activity, to: &bytes)
        json.raw(bytes)
    }
}

extension ServerState {
    /// Changes the alert that a path names, for who may, on record.
    func changeAlert(
        _ context: CustodyRequestContext, _ body: (_ id: String, _ actor: String) throws -> AlertTransition
    ) async throws -> AlertTransition {
        let principal = try context.requirePrincipal()
        try Authorizer.check(.triageAlerts, for: principal, now: now())
        let transition = try body(context.parameters.require("id"), principal.name)
        if let entry = transition.auditEntry(actor: principal, client: context.clientAddress) {
            try await audit.recordDurably(entry)
        }
        return transition
    }
}
