import AccessControl
import HTTPTypes
import Hummingbird
import Identity

/// `/you`: who is signed in, where else, and how pages look and react in this browser.
struct YouPages {
    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/you", use: show)
        router.post("/you/settings", use: change)
        router.post("/you/sessions/:id/end", use: end)
    }

    /// An administrator sees everybody's sessions, others their own.
    private func visible(to principal: Principal) -> [Session] {
        let all = state.sessions.list(now: state.now())
        let isAdministrator = (try? Authorizer.check(.manageAccess, for: principal, now: state.now())) != nil
        return isAdministrator ? all : all.filter { ($0.tokenID ?? $0.id) == principal.id }
    }

    @Sendable private func show(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try await state.page(request, context) { principal in
            try state.audit.record(
                state.auditEntry("session.list", activity: "read", context, resource: ("session", nil)))
            let now = state.now()
            let settings = PageSettings(request)
            let sessions = visible(to: principal).map { session -> PageData in
                .of([
                    "id": session.id, "name": session.name, "client": session.client ?? "this machine",
                    "agent": session.agent, "created": PageData.time(session.created, now: now),
                    "last_used": PageData.time(session.lastUsed, now: now),
                    "expires": PageData.time(session.expires, now: now),
                    "is_this": session.id == context.session?.session.id ? true : nil,
                    "by": session.tokenID.map { "token \($0)" } ?? "set-up link",
                ])
            }
            return Page(
                title: "You", template: "you",
                data: [
                    "name": principal.name, "sessions": sessions, "keys_off": settings.areKeysOff,
                    "scopes": principal.scopes.map(\.rawValue).sorted().joined(separator: ", "),
                    "themes": [("", "As the system"), ("light", "Light"), ("dark", "Dark")].map {
                        value, label -> PageData in
                        ["value": value, "label": label, "is_chosen": value == settings.theme?.rawValue ?? ""]
                    },
                ])
        }
    }

    @Sendable private func change(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        var context = context
        let form = try await PageForm.read(request, &context)
        var response = PagePath.redirect(to: "/you")
        let theme = PageSettings.Theme(rawValue: form["theme"])
        for (name, value) in [
            (PageSettings.themeCookie, theme?.rawValue), (PageSettings.keysCookie, form["keys"] == "off" ? "off" : nil),
        ] {
            // A year; scripts change the theme too, so it is not kept from them.
            let field = "\(name)=\(value ?? ""); Path=/; Max-Age=\(value == nil ? 0 : 31_536_000); SameSite=Strict"
            response.headers.append(HTTPField(name: .setCookie, value: field))
        }
        return response
    }

    @Sendable private func end(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        var context = context
        _ = try await PageForm.read(request, &context)
        let id = try context.parameters.require("id")
        guard visible(to: try context.requirePrincipal()).contains(where: { $0.id == id }) else {
            throw Problem.notFound("there is no session \(id); it may have ended already")
        }
        try state.sessions.end(id: id)
        try await state.audit.recordDurably(
            state.auditEntry("session.end", activity: "logout", context, resource: ("session", id)))
        return PagePath.redirect(to: "/you")
    }
}
