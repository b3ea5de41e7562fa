import HTTPTypes
import Hummingbird
import Logging
import Synchronization

/// Turns every error into a problem answer; the only place where errors become HTTP.
///
/// It stands inside ``AuthenticationMiddleware``, whose findings are in the context that it is given: a refusal is put on
/// record with the name of who was refused.
struct ProblemMiddleware: RouterMiddleware {
    typealias Context = CustodyRequestContext

    let state: ServerState
    let routes: RouteTable
    private let failures = LoggedFailures()

    init(state: ServerState, routes: RouteTable) {
        self.state = state
        self.routes = routes
    }

    /// What Hummingbird calls the endpoint of a request that no route takes.
    private static let noRoute = "NotFound"

    func handle(
        _ request: Request, context: CustodyRequestContext,
        next: (Request, CustodyRequestContext) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        var response: Response
        do {
            response = try await next(request, context)
        } catch {
            let problem =
                context.endpointPath == Self.noRoute
                ? routes.problem(for: request) : ProblemMapper.problem(for: error)
            if problem.status == .unauthorized || problem.status == .forbidden {
                state.noteDenial(problem.detail, request.method, context)
            }
            if problem.status.code >= 500, failures.isWorthALine(problem.code) {
                context.logger.error(
                    "request failed",
                    metadata: ["code": "\(problem.code)", "error": "\(error)", "path": "\(request.uri.path)"])
            }
            response =
                request.wantsPage
                ? state.pages.response(.problem(problem, context), request, context)
                : problem.response(requestID: context.id)
        }
        response.headers[.xContentTypeOptions] = "nosniff"
        state.metrics.request(
            route: context.endpointPath ?? "unknown", status: response.status.code,
            duration: ContinuousClock.now - start)
        return response
    }
}

/// Which failures the log has had lately: a full disk refuses every delivery, and one line a minute says so as well as a
/// thousand. Metrics count all of them.
final class LoggedFailures: Sendable {
    static let interval = Duration.seconds(60)
    /// By the problem's code, of which there are few.
    private let last = Mutex<[String: ContinuousClock.Instant]>([:])

    func isWorthALine(_ code: String, now: ContinuousClock.Instant = .now) -> Bool {
        // What is not foreseen is told each time: no two need have the same cause.
        guard code != "internal" else { return true }
        return last.withLock { last in
            if let known = last[code], now - known < Self.interval { return false }
            last[code] = now
            return true
        }
    }
}
