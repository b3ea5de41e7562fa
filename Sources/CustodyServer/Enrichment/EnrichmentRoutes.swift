import AccessControl
import Connectors
import HTTPTypes
import Hummingbird

/// `GET /v1/enrichment`: the tables in force.
struct EnrichmentRoutes {
    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/v1/enrichment", use: list)
    }

    @Sendable private func list(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.readConfiguration, for: context.requirePrincipal(), now: state.now())
        try state.audit.record(
            state.auditEntry("enrichment.list", activity: "read", context, resource: ("tables", nil)))
        var json = JSONWriter()
        json.object { json in
            json.member("refusal", state.enrichment.refusal)
            json.member("tables") { json in
                json.array { json in
                    for table in state.enrichment.current.tables {
                        json.object { json in
                            json.member("name", table.name)
                            json.member("digest", table.digest)
                            json.member("rows", Int64(table.rowCount))
                            json.member("match") {
                                $0.array { json in for path in table.matchPaths { json.value(path) } }
                            }
                            json.member("sets") { $0.array { json in for path in table.setPaths { json.value(path) } } }
                        }
                    }
                }
            }
        }
        return json.response()
    }
}
