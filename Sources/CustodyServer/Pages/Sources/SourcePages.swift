import AccessControl
import Connectors
import HTTPTypes
import Hummingbird
import Identity

/// `/sources`: what is connected.
struct SourcePages {
    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/sources", use: list)
    }

    @Sendable private func list(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try await state.page(request, context) { principal in
            try Authorizer.check(.readConfiguration, for: principal, now: state.now())
            try state.audit.record(
                state.auditEntry("source.list", activity: "read", context, resource: ("source", nil)))
            let titles = Dictionary(state.catalogue.connectors.map { ($0.name, $0.title) }) { first, _ in first }
            let sources = state.sources.list().map { source -> PageData in
                .of([
                    "name": source.name, "connector": titles[source.connector] ?? source.connector,
                    "is_disabled": source.isEnabled ? nil : true,
                    "query": PagePath.with("/search", ["q": "source.name:=\(source.name)", "since": "-7d"]),
                ])
            }
            return Page(title: "Sources", place: .sources, template: "sources", data: ["sources": sources])
        }
    }
}
