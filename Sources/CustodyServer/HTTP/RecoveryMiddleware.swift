import HTTPTypes
import Hummingbird

/// Keeps requests that read what views hold until these are where they were before the restart: a search must not silently find
/// less, nor a page show less, than before.
struct RecoveryMiddleware: RouterMiddleware {
    let recovery: Recovery
    /// How long a request waits.
    let limit: Duration

    func handle(
        _ request: Request, context: CustodyRequestContext,
        next: (Request, CustodyRequestContext) async throws -> Response
    ) async throws -> Response {
        guard try await recovery.isOver(within: limit) else {
            throw Problem(
                .serviceUnavailable, "recovering",
                "the server was started and reads \(recovery.remaining) events of its journal again; deliveries are taken, "
                    + "try this again in a moment",
                headers: [.retryAfter: "5"])
        }
        return try await next(request, context)
    }
}
