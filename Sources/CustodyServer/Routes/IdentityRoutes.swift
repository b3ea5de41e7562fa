import AccessControl
import Connectors
import EventModel
import Foundation
import HTTPTypes
import Hummingbird
import Identity

/// `/v1/identities`: which workloads' tokens are good here, and their exchange for sessions.
struct IdentityRoutes {
    private struct Creation: Decodable {
        enum CodingKeys: String, CodingKey {
            case name, issuer, audiences, claims, source, kinds, use, jwks
            case keysURL = "jwks_url"
        }
        var name: String
        var issuer: String
        var audiences: [String]
        /// What each claim has to say: one of these, in which `*` stands for any characters.
        var claims: [String: [String]]
        var source: String
        var kinds: [String]?
        var use: String?
        var keysURL: String?
        var jwks: String?
    }

    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/v1/identities", use: list)
        router.post("/v1/identities", use: add)
        router.delete("/v1/identities/:name", use: remove)
        router.post("/v1/identities/session", use: exchange)
    }

    @Sendable private func list(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.readConfiguration, for: context.requirePrincipal(), now: state.now())
        try state.audit.record(
            state.auditEntry("identity.list", activity: "read", context, resource: ("identity", nil)))
        var shown: [(WorkloadBinding, KeySets.Status?)] = []
        for binding in state.workloads.bindings.list() {
            shown.append((binding, await state.workloads.keySets.status(of: WorkloadIdentities.place(binding))))
        }
        var json = JSONWriter()
        json.object { json in
            json.member("identities") { json in
                json.array { json in for (binding, keys) in shown { write(binding, keys, to: &json) } }
            }
        }
        return json.response()
    }

    @Sendable private func add(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.manageAccess, for: context.requirePrincipal(), now: state.now())
        let wanted: Creation = try await RequestJSON.decode(request, context)
        let binding = try binding(wanted)
        try state.workloads.bindings.add(binding)
        try await state.audit.recordDurably(
            state.auditEntry(
                "identity.bind", activity: "create", context, resource: ("identity", binding.name),
                details: [
                    ("issuer", binding.issuer), ("source", binding.source), ("use", binding.use.rawValue),
                    ("audiences", binding.audiences.joined(separator: " ")),
                    (
                        "claims",
                        binding.conditions.map { "\($0.claim)=\($0.patterns.joined(separator: "|"))" }
                            .joined(separator: " ")
                    ),
                ]))
        guard !binding.isOfCertificates else {
            var json = JSONWriter()
            write(binding, nil, to: &json)
            return json.response(status: .created)
        }
        // Whoever adds it is told now whether the issuer's keys can be read, not the first job that pushes.
        let place = WorkloadIdentities.place(binding)
        _ = try? await state.workloads.keySets.keys(at: place)
        var json = JSONWriter()
        write(binding, await state.workloads.keySets.status(of: place), to: &json)
        return json.response(status: .created)
    }

    private func binding(_ wanted: Creation) throws -> WorkloadBinding {
        var keys = WorkloadBinding.Keys.discovery
        if let url = wanted.keysURL { keys = .url(url) }
        if let set = wanted.jwks {
            guard wanted.keysURL == nil else {
                throw Problem.badRequest("invalid_binding", "keys are at jwks_url or in jwks, not both")
            }
            guard KeySets.isKeySet(set) else {
                throw Problem.badRequest("invalid_binding", "jwks holds no key that can be used")
            }
            keys = .pasted(set)
        }
        guard let use = WorkloadBinding.Use(rawValue: wanted.use ?? WorkloadBinding.Use.once.rawValue) else {
            throw Problem.badRequest("invalid_binding", "use is once or lifetime")
        }
        guard state.sources.source(named: wanted.source) != nil else {
            throw Problem.badRequest("unknown_source", "there is no source \(wanted.source); add it first")
        }
        for kind in wanted.kinds ?? [] { _ = try state.catalogue.connector(named: kind) }
        return WorkloadBinding(
            name: wanted.name, issuer: wanted.issuer, audiences: wanted.audiences,
            conditions: wanted.claims.sorted { $0.key < $1.key }.map { .init(claim: $0.key, patterns: $0.value) },
            source: wanted.source, kinds: wanted.kinds ?? [], use: use, keys: keys, created: state.now())
    }

    @Sendable private func remove(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.manageAccess, for: context.requirePrincipal(), now: state.now())
        let name = try context.parameters.require("name")
        try state.workloads.bindings.remove(name: name)
        state.workloads.forget(name)
        try await state.audit.recordDurably(
            state.auditEntry("identity.unbind", activity: "delete", context, resource: ("identity", name)))
        return Response(status: .noContent)
    }

    /// Takes a workload's token and answers with a session, for senders of many deliveries.
    @Sendable private func exchange(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        guard let workload = context.workload, workload.fingerprint != nil else {
            throw Problem.forbidden("a session is given for a workload's own token, not to \(principal.kind.rawValue)s")
        }
        try await state.workloads.use(workload, for: nil)
        let text = try state.workloads.session(of: workload)
        do {
            try await state.audit.recordDurably(
                state.auditEntry(
                    "identity.exchange", activity: "login", context,
                    resource: ("identity", workload.grants.first?.binding),
                    details: [("issuer", workload.issuer), ("token", workload.tokenID ?? "")]))
        } catch {
            await state.workloads.release(workload)
            throw error
        }
        var json = JSONWriter()
        json.object { json in
            json.member("token", text)
            json.member("expires", workload.expires.text)
            json.member("sources") { json in
                json.array { json in for source in Set(workload.grants.map(\.source)).sorted() { json.value(source) } }
            }
        }
        return json.response(status: .created)
    }

    private func write(_ binding: WorkloadBinding, _ keys: KeySets.Status?, to json: inout JSONWriter) {
        let tally = state.workloads.tally(of: binding.name)
        json.object { json in
            json.member("name", binding.name)
            json.member("issuer", binding.issuer)
            json.member("audiences") { json in
                json.array { json in for audience in binding.audiences { json.value(audience) } }
            }
            json.member("claims") { json in
                json.object { json in
                    for condition in binding.conditions {
                        json.member(condition.claim) { json in
                            json.array { json in for pattern in condition.patterns { json.value(pattern) } }
                        }
                    }
                }
            }
            json.member("source", binding.source)
            if !binding.kinds.isEmpty {
                json.member("kinds") { json in json.array { json in for kind in binding.kinds { json.value(kind) } } }
            }
            json.member("use", binding.use.rawValue)
            if case .url(let url) = binding.keys { json.member("jwks_url", url) }
            json.member("created", binding.created.text)
            json.member("keys") { json in
                json.object { json in
                    json.member("count", Int64(keys?.keys ?? 0))
                    json.member("fetched", keys?.fetched?.text)
                    json.member("failure", keys?.failure)
                }
            }
            json.member("accepted", Int64(tally.accepted))
            json.member("refused", Int64(tally.refused))
            json.member("last_accepted", tally.lastAccepted?.text)
            json.member("last_refused", tally.lastRefused?.text)
            json.member("last_refusal", tally.lastRefusal)
        }
    }
}
