import AccessControl
import Detection
import EventModel
import Foundation
import HTTPTypes
import Hummingbird

/// `/v1/alerts`: list, show, acknowledge, assign, close.
struct AlertRoutes {
    private struct Assignment: Decodable { var assignee: String? }
    private struct Closing: Decodable {
        var verdict: String
        var comment: String?
    }

    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/v1/alerts", use: list)
        router.get("/v1/alerts/:id", use: show)
        router.post("/v1/alerts/:id/ack", use: acknowledge)
        router.post("/v1/alerts/:id/assign", use: assign)
        router.post("/v1/alerts/:id/close", use: close)
    }

    @Sendable private func list(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try requireReader(context)
        let query = request.uri.queryParameters
        var filter = AlertFilter()
        if let text = query["status"] {
            filter.statuses = Set(
                try text.split(separator: ",").map { name in
                    guard let status = Alert.Status(rawValue: String(name)) else {
                        throw Problem.badRequest("invalid_status", "a status is open, acknowledged or closed")
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
        let limit = query["limit"].flatMap { Int($0) } ?? 100
        let before = query["cursor"].flatMap { Int64($0) }
        let page = try state.alerts.list(filter, before: before, limit: limit)
        try state.audit.record(state.auditEntry("alert.list", activity: "read", context, resource: ("alert", nil)))
        var json = JSONWriter()
        json.object { json in
            json.member("alerts") { json in
                json.array { json in for alert in page.alerts { Self.write(alert, evidence: nil, to: &json) } }
            }
            json.member("cursor", page.next.map(String.init))
        }
        return json.response()
    }

    @Sendable private func show(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try requireReader(context)
        let id = try context.parameters.require("id")
        let alert = try state.alerts.alert(id)
        try state.audit.record(state.auditEntry("alert.read", activity: "read", context, resource: ("alert", id)))
        var json = JSONWriter()
        Self.write(alert, evidence: try state.alerts.evidence(of: id), to: &json)
        return json.response()
    }

    @Sendable private func acknowledge(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try await change(context) { try state.alerts.acknowledge($0, by: $1) }
    }

    @Sendable private func assign(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let wanted: Assignment = try await RequestJSON.decode(request, context)
        return try await change(context) { try state.alerts.assign($0, to: wanted.assignee, by: $1) }
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

    private func change(
        _ context: CustodyRequestContext, _ body: (_ id: String, _ actor: String) throws -> AlertTransition
    ) async throws -> Response {
        let principal = try context.requirePrincipal()
        try Authorizer.check(.triageAlerts, for: principal, now: state.now())
        let transition = try body(context.parameters.require("id"), principal.name)
        if let entry = transition.auditEntry(actor: principal, client: context.clientAddress) {
            try await state.audit.recordDurably(entry)
        }
        var json = JSONWriter()
        Self.write(transition.alert, evidence: nil, to: &json)
        return json.response()
    }

    /// Alerts name entities and rules of all events, so only who may see all events sees them.
    private func requireReader(_ context: CustodyRequestContext) throws {
        try Authorizer.check(.search, for: context.requirePrincipal(), now: state.now())
    }

    private static func write(_ alert: Alert, evidence: [LeafIndex]?, to json: inout JSONWriter) {
        var bytes: [UInt8] = []
        alert.appendJSON(evidence: evidence, to: &bytes)
        json.raw(bytes)
    }
}
