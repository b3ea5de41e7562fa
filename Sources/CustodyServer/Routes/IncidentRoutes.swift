import AccessControl
import Detection
import EventModel
import Hummingbird

/// `/v1/incidents`: what belongs together, by entity.
struct IncidentRoutes {
    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/v1/incidents", use: list)
        router.get("/v1/incidents/:id", use: show)
    }

    @Sendable private func list(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.search, for: context.requirePrincipal(), now: state.now())
        let query = request.uri.queryParameters
        let openOnly: Bool
        switch query["status"] {
        case "open"?: openOnly = true
        case "all"?, nil: openOnly = false
        default: throw Problem.badRequest("invalid_status", "the status of incidents is open or all")
        }
        let page = try state.alerts.incidents(
            openOnly: openOnly, before: request.cursor(),
            limit: request.count("limit", in: 1...AlertStore.maximumPage) ?? 100)
        try state.audit.record(
            state.auditEntry("incident.list", activity: "read", context, resource: ("incident", nil)))
        var json = JSONWriter()
        json.object { json in
            json.member("incidents") { json in
                json.array { json in for incident in page.incidents { Self.write(incident, alerts: nil, to: &json) } }
            }
            json.member("cursor", page.next.map(String.init))
        }
        return json.response()
    }

    @Sendable private func show(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.search, for: context.requirePrincipal(), now: state.now())
        let id = try context.parameters.require("id")
        let found = try state.alerts.incident(id)
        try state.audit.record(
            state.auditEntry("incident.read", activity: "read", context, resource: ("incident", id)))
        var json = JSONWriter()
        Self.write(found.incident, alerts: found.alerts, to: &json)
        return json.response()
    }

    private static func write(_ incident: Incident, alerts: [Alert]?, to json: inout JSONWriter) {
        json.object { json in
            json.member("id", incident.id)
            json.member("entity", incident.entity)
            json.member("severity", incident.severity.rawValue)
            json.member("status", incident.status.rawValue)
            json.member("first_seen", incident.firstSeen.text)
            json.member("last_seen", incident.lastSeen.text)
            json.member("open", Int64(incident.open))
            json.member("acknowledged", Int64(incident.acknowledged))
            json.member("closed", Int64(incident.closed))
            json.member("count", incident.count)
            if let alerts {
                json.member("alerts") { json in
                    json.array { json in for alert in alerts { AlertRoutes.write(alert, to: &json) } }
                }
            }
        }
    }
}
