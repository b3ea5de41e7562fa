import AccessControl
import HTTPTypes
import Hummingbird
import Ledger

/// `GET /`: for a person, what to do next and how things stand; for a program, what Elasticsearch's clients ask.
struct HomePage {
    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/", use: show)
    }

    @Sendable private func show(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        guard request.wantsPage else { return await ElasticsearchRoutes(state: state).about(request, context) }
        return try await state.page(request, context) { _ in
            Page(
                title: "Home", place: .home, template: "home",
                data: ["vkey": state.ledgerKey.verifierKey.description])
        }
    }
}
