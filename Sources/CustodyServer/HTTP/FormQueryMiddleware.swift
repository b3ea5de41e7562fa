import Hummingbird

/// Reads a `+` in a URL's query as a blank, as forms, browsers and most clients' libraries write one
/// (`application/x-www-form-urlencoded`). The URL's path is left alone; a plus itself is `%2B`.
///
/// Here and not where parameters are read, so that no route can forget it.
struct FormQueryMiddleware: RouterMiddleware {
    typealias Context = CustodyRequestContext

    func handle(
        _ request: Request, context: CustodyRequestContext,
        next: (Request, CustodyRequestContext) async throws -> Response
    ) async throws -> Response {
        guard let target = request.head.path, let mark = target.firstIndex(of: "?"), target[mark...].contains("+")
        else {
            return try await next(request, context)
        }
        var head = request.head
        head.path = String(target.prefix(upTo: mark)) + String(target.suffix(from: mark)).replacing("+", with: "%20")
        return try await next(Request(head: head, body: request.body), context)
    }
}
