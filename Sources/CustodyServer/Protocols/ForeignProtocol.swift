import HTTPTypes
import Hummingbird
import Logging

extension ServerState {
    /// Answers in a foreign protocol's words whatever `body` throws. Refusals are put on record here, since no error passes the
    /// middleware then.
    func answering(
        _ request: Request, _ context: CustodyRequestContext, in words: (Problem) -> Response,
        _ body: () async throws -> Response
    ) async -> Response {
        do {
            return try await body()
        } catch {
            let problem = ProblemMapper.problem(for: error)
            if problem.status == .unauthorized || problem.status == .forbidden {
                noteDenial(problem.detail, request.method, context)
            }
            if problem.status == .internalServerError {
                logger.error(
                    "request failed",
                    metadata: ["error": "\(error)", "path": "\(request.uri.path)", "id": "\(context.id)"])
            }
            var response = words(problem)
            if let seconds = problem.headers[.retryAfter] { response.headers[.retryAfter] = seconds }
            if problem.status == .unauthorized, response.headers[.wwwAuthenticate] == nil {
                response.headers[.wwwAuthenticate] = problem.headers[.wwwAuthenticate] ?? "Bearer"
            }
            return response
        }
    }
}
