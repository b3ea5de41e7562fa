import AccessControl
import Foundation
import HTTPTypes
import Hummingbird
import Identity

/// `/sign-in` and `/sign-out`: a browser shows a token once and holds a session from then on.
struct SignInPages {
    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/sign-in", use: show)
        router.post("/sign-in", use: signIn)
        router.post("/sign-out", use: signOut)
    }

    @Sendable private func show(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let parameters = request.uri.queryParameters
        let next = PagePath.safe(parameters["next"].map(String.init) ?? "/")
        guard context.principal == nil else { return PagePath.redirect(to: next) }
        let notice: String? =
            parameters["ended"] != nil
            ? "Your session has ended. Sign in again to go on where you were."
            : parameters["out"] != nil ? "You are signed out." : nil
        return page(next: next, notice: notice, request, context)
    }

    private func page(
        next: String, notice: String? = nil, error: String? = nil, status: HTTPResponse.Status = .ok,
        headers: HTTPFields = [:], _ request: Request, _ context: CustodyRequestContext
    ) -> Response {
        state.pages.response(
            Page(
                title: "Sign in", template: "sign-in",
                data: .of(["next": next, "notice": notice, "error": error]), status: status, headers: headers), request,
            context)
    }

    @Sendable private func signIn(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let form = try await PageForm.read(request)
        let next = PagePath.safe(form["next"])
        let token = form["token"].trimmingCharacters(in: .whitespacesAndNewlines)
        var context = context
        do {
            let principal = try state.tokens.authenticate(bearer: token, now: state.now())
            // Who can look at nothing has nothing to sign in for.
            try Authorizer.check(.search, for: principal, now: state.now())
            context.principal = principal
            let made = try state.sessions.start(
                name: principal.name, tokenID: principal.id, client: context.clientAddress,
                agent: request.headers[.userAgent], now: state.now())
            return try await answer(made, next: next, request, context)
        } catch let error as AccessError where error.code == .notPermitted {
            return page(
                next: next, error: "This token can only send events. Sign in with one of scope read, audit or admin.",
                status: .forbidden, request, context)
        } catch let error as AccessError {
            let now = state.now()
            if let seconds = state.credentialFailures.retryAfter(client: context.clientAddress, now: now) {
                return page(
                    next: next, error: "Too many wrong tokens from this address. Try again in \(seconds) seconds.",
                    status: .tooManyRequests, headers: [.retryAfter: String(seconds)], request, context)
            }
            context.credential = .refused(error)
            state.noteDenial(error.reason, request.method, context)
            return page(
                next: next, error: Page.sentence(error.reason), status: .unauthorized,
                headers: [.wwwAuthenticate: "Bearer"], request, context)
        }
    }

    /// Puts the session on record and hands it to the browser.
    private func answer(
        _ made: NewSession, next: String, _ request: Request, _ context: CustodyRequestContext
    ) async throws -> Response {
        do {
            try await state.audit.recordDurably(
                state.auditEntry(
                    "session.start", activity: "login", context, resource: ("session", made.session.id),
                    details: [("by", "token")]))
        } catch {
            _ = try? state.sessions.end(id: made.session.id)
            throw error
        }
        var response = PagePath.redirect(to: next)
        SessionCookie.set(made, in: &response, request, isTLS: state.configuration.tlsCertificate != nil)
        return response
    }

    @Sendable private func signOut(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        var context = context
        var response = PagePath.redirect(to: "/sign-in?out=1")
        if let session = context.session?.session {
            _ = try await PageForm.read(request, &context)
            try state.sessions.end(id: session.id)
            try await state.audit.recordDurably(
                state.auditEntry("session.end", activity: "logout", context, resource: ("session", session.id)))
        }
        SessionCookie.clear(in: &response, request)
        return response
    }
}
