import HTTPTypes
import Hummingbird
import Logging

/// Turns every error into a problem answer; the only place where errors become HTTP.
///
/// It stands inside ``AuthenticationMiddleware``, whose findings are in the context that it is given: a refusal is put on
/// record with the name of who was refused.
struct ProblemMiddleware: RouterMiddleware {
    typealias Context = CustodyRequestContext

    let state: ServerState

    func handle(
        _ request: Request, context: CustodyRequestContext,
        next: (Request, CustodyRequestContext) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        var response: Response
        do {
            response = try await next(request, context)
        } catch {
            let problem = ProblemMapper.problem(for: error)
            if problem.status == .unauthorized || problem.status == .forbidden {
                state.noteDenial(problem.detail, request.method, context)
            }
            if problem.status.code >= 500 {
                context.logger.error(
                    "request failed",
                    metadata: ["code": "\(problem.code)", "error": "\(error)", "path": "\(request.uri.path)"])
            }
            response = problem.response(requestID: context.id)
        }
        response.headers[.xContentTypeOptions] = "nosniff"
        state.metrics.request(
            route: context.endpointPath ?? "unknown", status: response.status.code,
            duration: ContinuousClock.now - start)
        return response
    }
}
