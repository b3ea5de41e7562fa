import HTTPTypes
import Hummingbird
import Logging

/// Turns every error into a problem answer; the only place where errors become HTTP.
struct ProblemMiddleware: RouterMiddleware {
    typealias Context = CustodyRequestContext

    let metrics: ServerMetrics
    let onDenied: @Sendable (Problem, Request, CustodyRequestContext) -> Void

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
            if problem.status == .unauthorized || problem.status == .forbidden { onDenied(problem, request, context) }
            if problem.status.code >= 500 {
                context.logger.error(
                    "request failed",
                    metadata: ["code": "\(problem.code)", "error": "\(error)", "path": "\(request.uri.path)"])
            }
            response = problem.response(requestID: context.id)
        }
        response.headers[.xContentTypeOptions] = "nosniff"
        metrics.request(
            route: context.endpointPath ?? "unknown", status: response.status.code,
            duration: ContinuousClock.now - start)
        return response
    }
}
