import EventModel

/// What the server answered.
struct ServerAnswer: Sendable {
    let status: Int
    let contentType: String
    /// Seconds after which to try again, where the server says.
    let retryAfter: Int?
    let body: [UInt8]

    var isSuccess: Bool { (200..<300).contains(status) }
    /// Whether the same request may succeed later.
    var isBusy: Bool { [429, 502, 503, 504].contains(status) }

    /// The failure that an answer without success stands for, told in the server's words.
    func failure(of address: ServerAddress) -> CommandFailure {
        let code: CommandFailure.Code =
            switch status {
            case 401, 403: .denied
            case 429, 500...599: .unreachable
            case 200..<400: .unreachable
            default: .refused
            }
        guard let problem else {
            return CommandFailure(
                code, "\(address.text) answered \(status), and not as Custody does: is it the right URL?")
        }
        return CommandFailure(code, problem.text)
    }

    /// The body as a problem (RFC 9457); nil when it is none.
    var problem: ServerProblem? {
        guard contentType.hasPrefix("application/problem+json") else { return nil }
        return try? JSONDocument.read(body) { json in
            ServerProblem(
                code: json.text("code"), detail: json.text("detail"), requestID: json.text("request_id"),
                column: json["column"]?.int64.map(Int.init), length: json["length"]?.int64.map(Int.init),
                suggestion: json["suggestion"]?.scalarText)
        }
    }
}

/// An error as the server tells it.
struct ServerProblem: Equatable {
    let code: String
    let detail: String
    let requestID: String
    /// Where in a query the mistake is, from 1.
    var column: Int?
    var length: Int?
    /// The nearest right name.
    var suggestion: String?

    /// `there is no source x [not_found, request 4711]`.
    var text: String {
        "\(detail.isEmpty ? "refused" : detail) [\(code), request \(requestID)]"
    }

    /// The query with the mistake underlined; nil when the problem is not about a place in it.
    ///
    ///     actr:octocat
    ///     ^~~~
    func marked(in query: String) -> String? {
        guard let column, column > 0 else { return nil }
        let characters = Array(query)
        // What stands before is shown as it was counted, so that the caret stands under the place also behind characters
        // that are written out or wide.
        let shown = characters.map { VisibleText.of(String($0)) }
        let start = min(column - 1, shown.count)
        let end = min(start + max(length ?? 1, 1), shown.count)
        let indent = shown[..<start].reduce(0) { $0 + DisplayWidth.of($1) }
        let width = max(1, shown[start..<end].reduce(0) { $0 + DisplayWidth.of($1) })
        return "  " + shown.joined() + "\n  " + String(repeating: " ", count: indent) + "^"
            + String(repeating: "~", count: width - 1)
    }
}
