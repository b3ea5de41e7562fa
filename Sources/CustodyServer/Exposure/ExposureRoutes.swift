import AccessControl
import Detection
import Hummingbird

/// `/v1/exposure`: whether the events show known incidents, as far as the caller may see.
struct ExposureRoutes {
    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/v1/exposure", use: all)
        router.get("/v1/exposure/:id", use: one)
    }

    @Sendable private func all(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try await check(only: nil, context)
    }

    @Sendable private func one(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let id = try context.parameters.require("id")
        return try await check(only: id, context)
    }

    private func check(only id: String?, _ context: CustodyRequestContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let check = state.exposure.check(state.store, for: principal, now: state.now)
        // Whoever may search nothing learns nothing of the pack's ids either.
        _ = try Authorizer.authorizeRead(for: principal, now: state.now())
        if let id, !check.pack.incidents.contains(where: { $0.id == id }) {
            throw Problem.notFound("there is no known incident \(id)")
        }
        try state.audit.record(
            state.auditEntry("exposure.read", activity: "read", context, resource: ("incident", id)))
        let report = try await context.whileConnected { try await check.run(only: id) }
        var json = JSONWriter()
        report.write(check.pack.errors, to: &json)
        return json.response()
    }
}
