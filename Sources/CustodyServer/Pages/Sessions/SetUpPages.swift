import AccessControl
import HTTPTypes
import Hummingbird
import Identity

/// `/set-up`: the one-time link that `custody serve` prints makes the first administrator.
///
/// Looking at the link uses nothing up; sending the form does. A link that does not work any more says why and what to do.
struct SetUpPages {
    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/set-up", use: show)
        router.post("/set-up", use: finish)
    }

    @Sendable private func show(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let code = request.uri.queryParameters["code"].map(String.init) ?? ""
        if let refusal = try state.setUp.refusal(of: code, now: state.now()) {
            return refused(refusal, request, context)
        }
        return form(code: code, name: "", error: nil, request, context)
    }

    private func form(
        code: String, name: String, error: String?, _ request: Request, _ context: CustodyRequestContext
    ) -> Response {
        state.pages.response(
            Page(
                title: "Set up Custody", template: "set-up",
                data: .of(["is_form": true, "code": code, "name": name, "error": error]),
                status: error == nil ? .ok : .badRequest), request, context)
    }

    private func refused(
        _ refusal: SetUpRefusal, _ request: Request, _ context: CustodyRequestContext
    ) -> Response {
        // Whoever guesses waits, as with tokens.
        if refusal == .unknown {
            var context = context
            context.credential = .refused(AccessError(.unknownCredential, "this set-up link is not known"))
            state.noteDenial("this set-up link is not known", request.method, context)
        }
        var data: PageData = [:]
        switch refusal {
        case .unknown: data["is_unknown"] = true
        case .expired: data["is_expired"] = true
        case .used(let time, let client):
            data["is_used"] = true
            data["used"] = PageData.time(time, now: state.now())
            data["client"] = client ?? "this machine"
        }
        if context.principal != nil { data["is_signed_in"] = true }
        return state.pages.response(
            Page(title: "Set up Custody", template: "set-up", data: data, status: .gone), request, context)
    }

    @Sendable private func finish(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let form = try await PageForm.read(request)
        let made: NewSession
        do {
            made = try state.sessions.start(
                setUpCode: form["code"], name: form["name"], client: context.clientAddress,
                agent: request.headers[.userAgent], now: state.now())
        } catch let refusal as SetUpRefusal {
            return refused(refusal, request, context)
        } catch let error as IdentityError {
            return self.form(
                code: form["code"], name: form["name"], error: Page.sentence(error.reason), request, context)
        }
        var context = context
        context.principal = made.session.administrator
        do {
            try await state.audit.recordDurably(
                state.auditEntry(
                    "session.start", activity: "login", context, resource: ("session", made.session.id),
                    details: [("by", "set-up link")]))
        } catch {
            _ = try? state.sessions.end(id: made.session.id)
            try? state.setUp.reopen(form["code"])
            throw error
        }
        var response = PagePath.redirect(to: "/")
        SessionCookie.set(made, in: &response, request, isTLS: state.configuration.tlsCertificate != nil)
        return response
    }
}
