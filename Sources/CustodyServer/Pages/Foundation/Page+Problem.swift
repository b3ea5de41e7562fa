import HTTPTypes
import Hummingbird

extension Page {
    /// An error for people: what happened, what to do, and the request's id for who runs the server.
    static func problem(_ problem: Problem, _ context: CustodyRequestContext) -> Page {
        var headers = problem.headers
        if problem.status == .unauthorized, headers[.wwwAuthenticate] == nil { headers[.wwwAuthenticate] = "Bearer" }
        return Page(
            title: title(of: problem), template: "problem",
            data: .of([
                "title": title(of: problem), "detail": sentence(problem.detail), "code": problem.code,
                "status": problem.status.code, "request_id": context.id,
                "needs_sign_in": problem.status == .unauthorized ? true : nil,
                "is_missing": problem.status == .notFound ? true : nil,
                "retry": problem.headers[.retryAfter],
            ]), status: problem.status, headers: headers)
    }

    private static func title(of problem: Problem) -> String {
        switch problem.status.code {
        case 401: "Sign in first"
        case 403: "Not allowed"
        case 404: "Not found"
        case 410: "Gone"
        case 429: "Too many attempts"
        case 503: "Not now"
        case 500...: "Something went wrong here"
        default: "That did not work"
        }
    }

    /// Reasons are lower case without a stop; people read sentences.
    static func sentence(_ reason: String) -> String {
        guard let last = reason.last else { return "" }
        let text = reason.prefix(1).uppercased() + reason.dropFirst()
        return ".!?".contains(last) ? text : text + "."
    }
}
