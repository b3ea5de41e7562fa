import AccessControl
import HTTPTypes
import Hummingbird
import QueryLanguage

/// `/tail`: events as they are acknowledged. The script follows `/v1/tail`; without it there is the search of the last minutes.
struct TailPage {
    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/tail", use: show)
    }

    @Sendable private func show(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try await state.page(request, context) { principal in
            let text = request.uri.queryParameters["q"].map(String.init) ?? ""
            var page = Page(title: "Live tail", place: .tail, template: "tail", scripts: ["tail.js"])
            page.data = .of(["q": text, "search": PagePath.with("/search", ["q": text, "since": "-15m"])])
            do {
                let query = try Query(parsing: text, now: state.now())
                _ = try Authorizer.authorize(query, for: principal, now: state.now())
                guard query.stages.isEmpty else {
                    throw Problem.badRequest("no_stages", "live tail takes a filter, no stages")
                }
                page.data["stream"] = PagePath.with("/v1/tail", ["q": query.boxText])
            } catch let error as QueryError {
                page.data["error"] = Page.sentence(error.description)
                page.status = .badRequest
            } catch let problem as Problem {
                page.data["error"] = Page.sentence(problem.detail)
                page.status = problem.status
            }
            return page
        }
    }
}
