import AccessControl
import Detection
import EventModel
import Hummingbird
import QueryLanguage

/// `/v1/silences`: begin, list, preview, end; and what each has hidden.
struct SilenceRoutes {
    private struct Wanted: Decodable {
        enum CodingKeys: String, CodingKey {
            case rule, entity, tag, source, reason, expires, duration, since
            case maximumSeverity = "maximum_severity"
        }
        var rule: String?
        var entity: String?
        var tag: String?
        var source: String?
        var maximumSeverity: String?
        var reason: String?
        var expires: String?
        var duration: String?
        /// For previews: how far back to look.
        var since: String?

        var scope: Silence.Scope {
            Silence.Scope(rule: rule, entity: entity, tag: tag, source: source, maximumSeverity: maximumSeverity)
        }
    }

    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/v1/silences", use: list)
        router.post("/v1/silences", use: add)
        router.post("/v1/silences/preview", use: preview)
        router.get("/v1/silences/:id", use: show)
        router.delete("/v1/silences/:id", use: end)
    }

    @Sendable private func list(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try requireReader(context)
        let all = request.uri.queryParameters["all"].map { $0 != "false" && $0 != "0" } ?? false
        let silences = try state.alerts.silences(includingEnded: all)
        try state.audit.record(
            state.auditEntry("silence.list", activity: "read", context, resource: ("silence", nil)))
        var json = JSONWriter()
        json.object { json in
            json.member("silences") { json in
                json.array { json in for silence in silences { write(silence, to: &json) } }
            }
        }
        return json.response()
    }

    @Sendable private func show(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try requireReader(context)
        let id = try context.parameters.require("id")
        let silence = try state.alerts.silence(id)
        let hidden = try state.alerts.hidden(by: id)
        try state.audit.record(state.auditEntry("silence.read", activity: "read", context, resource: ("silence", id)))
        var json = JSONWriter()
        write(silence, hidden: hidden, to: &json)
        return json.response()
    }

    @Sendable private func add(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let principal = try requireTriage(context)
        let wanted: Wanted = try await RequestJSON.decode(request, context)
        guard let reason = wanted.reason else {
            throw Problem.badRequest("missing_member", "the member reason is missing")
        }
        let silence = try state.alerts.addSilence(
            wanted.scope, reason: reason, expires: try expiry(wanted), by: principal.name)
        try await state.audit.recordDurably(
            state.auditEntry(
                "silence.add", activity: "create", context, resource: ("silence", silence.id),
                details: Self.details(silence)))
        var json = JSONWriter()
        write(silence, to: &json)
        return json.response(status: .created)
    }

    @Sendable private func end(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let principal = try requireTriage(context)
        let silence = try state.alerts.endSilence(context.parameters.require("id"), by: principal.name)
        try await state.audit.recordDurably(
            state.auditEntry(
                "silence.end", activity: "update", context, resource: ("silence", silence.id),
                details: Self.details(silence) + [("hidden", String(silence.hidden))]))
        var json = JSONWriter()
        write(silence, to: &json)
        return json.response()
    }

    /// What a silence would have hidden, had it been in force since a moment.
    @Sendable private func preview(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try requireReader(context)
        let wanted: Wanted = try await RequestJSON.decode(request, context)
        let since = try SearchRoutes.time(wanted.since ?? "-7d", "since", state.now()) ?? Timestamp(nanoseconds: 0)
        let found = try state.alerts.preview(wanted.scope, since: since)
        try state.audit.record(
            state.auditEntry("silence.preview", activity: "read", context, resource: ("silence", nil)))
        var json = JSONWriter()
        json.object { json in
            json.member("since", since.text)
            json.member("alert_count", Int64(found.alertCount))
            json.member("match_count", found.matchCount)
            json.member("alerts") { json in
                json.array { json in for alert in found.alerts { AlertRoutes.write(alert, to: &json) } }
            }
        }
        return json.response()
    }

    private func expiry(_ wanted: Wanted) throws -> Timestamp {
        if let text = wanted.duration {
            guard wanted.expires == nil else {
                throw Problem.badRequest("invalid_time", "a silence has a duration or an end, not both")
            }
            guard let duration = QueryDuration(parsing: text) else {
                throw Problem.badRequest("invalid_time", "a duration is written as 30m, 4h or 7d")
            }
            return state.now().advanced(byNanoseconds: duration.nanoseconds)
        }
        guard let text = wanted.expires else {
            throw Problem.badRequest("missing_member", "a silence needs `expires` or `duration`: none is for ever")
        }
        guard let time = Timestamp(parsing: text) else {
            throw Problem.badRequest("invalid_time", "expires is no time: write 2026-11-23T10:00:00Z")
        }
        return time
    }

    private func requireReader(_ context: CustodyRequestContext) throws {
        try Authorizer.check(.search, for: context.requirePrincipal(), now: state.now())
    }

    private func requireTriage(_ context: CustodyRequestContext) throws -> Principal {
        let principal = try context.requirePrincipal()
        try Authorizer.check(.triageAlerts, for: principal, now: state.now())
        return principal
    }

    private static func details(_ silence: Silence) -> [(String, String)] {
        let scope = silence.scope
        let named = [
            ("rule", scope.rule), ("entity", scope.entity), ("tag", scope.tag), ("source", scope.source),
            ("maximum_severity", scope.maximumSeverity), ("reason", silence.reason), ("author", silence.author),
            ("expires", silence.expires.text),
        ]
        return named.compactMap { name, value in value.map { (name, $0) } }
    }

    private func write(
        _ silence: Silence, hidden: [(alert: Alert, count: Int64)]? = nil, to json: inout JSONWriter
    ) {
        let isActive = silence.isActive(at: state.now())
        json.object { json in
            json.member("id", silence.id)
            json.member("active", isActive)
            for (name, value) in Self.details(silence) { json.member(name, value) }
            json.member("created", silence.created.text)
            json.member("ended", silence.ended?.text)
            json.member("ended_by", silence.endedBy)
            json.member("hidden", silence.hidden)
            json.member("last_hidden", silence.lastHidden?.text)
            if let hidden {
                json.member("alerts") { json in
                    json.array { json in
                        for entry in hidden {
                            json.object { json in
                                json.member("hidden", entry.count)
                                json.member("alert") { AlertRoutes.write(entry.alert, to: &$0) }
                            }
                        }
                    }
                }
            }
        }
    }
}
