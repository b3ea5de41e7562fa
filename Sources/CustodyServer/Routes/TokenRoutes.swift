import AccessControl
import EventModel
import Foundation
import HTTPTypes
import Hummingbird
import Identity

/// `/v1/tokens`: create, list, revoke.
struct TokenRoutes {
    private struct Creation: Decodable {
        var name: String
        var scopes: [String]
        var sources: [String]?
        /// RFC 3339; the default lifetime when absent.
        var expires: String?
    }

    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/v1/tokens", use: list)
        router.post("/v1/tokens", use: create)
        router.delete("/v1/tokens/:id", use: revoke)
    }

    @Sendable private func list(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.readConfiguration, for: context.requirePrincipal(), now: state.now())
        try state.audit.record(state.auditEntry("token.list", activity: "read", context, resource: ("token", nil)))
        var json = JSONWriter()
        json.object { json in
            json.member("tokens") { json in
                json.array { json in for token in state.tokens.list() { Self.write(token, text: nil, to: &json) } }
            }
        }
        return json.response()
    }

    @Sendable private func create(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.manageAccess, for: context.requirePrincipal(), now: state.now())
        let wanted: Creation = try await RequestJSON.decode(request, context)
        var scopes: Set<Principal.Scope> = []
        for name in wanted.scopes {
            guard let scope = Principal.Scope(rawValue: name) else {
                let known = Principal.Scope.allCases.map(\.rawValue).joined(separator: ", ")
                throw Problem.badRequest("invalid_scopes", "there is no scope \(name); there are: \(known)")
            }
            scopes.insert(scope)
        }
        var expires: Timestamp?
        if let text = wanted.expires {
            guard let time = Timestamp(parsing: text) else {
                throw Problem.badRequest("invalid_expiry", "expires is not an RFC 3339 time")
            }
            expires = time
        }
        let made = try state.tokens.create(
            name: wanted.name, scopes: scopes, sources: Set(wanted.sources ?? []), expires: expires, now: state.now())
        try await state.audit.recordDurably(
            state.auditEntry(
                "token.create", activity: "create", context, resource: ("token", made.token.id),
                details: [
                    ("name", made.token.name), ("scopes", scopes.map(\.rawValue).sorted().joined(separator: " ")),
                ]))
        var json = JSONWriter()
        Self.write(made.token, text: made.text, to: &json)
        return json.response(status: .created)
    }

    @Sendable private func revoke(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.manageAccess, for: context.requirePrincipal(), now: state.now())
        let id = try context.parameters.require("id")
        try state.tokens.revoke(id: id, now: state.now())
        try await state.audit.recordDurably(
            state.auditEntry("token.revoke", activity: "delete", context, resource: ("token", id)))
        return Response(status: .noContent)
    }

    private static func write(_ token: Token, text: String?, to json: inout JSONWriter) {
        json.object { json in
            json.member("id", token.id)
            json.member("name", token.name)
            json.member("scopes") { json in
                json.array { json in for scope in token.scopes.map(\.rawValue).sorted() { json.value(scope) } }
            }
            if !token.sources.isEmpty {
                json.member("sources") { json in
                    json.array { json in for source in token.sources.sorted() { json.value(source) } }
                }
            }
            json.member("created", token.created.text)
            json.member("expires", token.expires?.text)
            json.member("revoked", token.revoked?.text)
            json.member("last_used", token.lastUsed?.text)
            json.member("token", text)
        }
    }
}
