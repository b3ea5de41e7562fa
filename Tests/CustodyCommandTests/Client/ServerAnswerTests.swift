import Testing

@testable import custody

struct ServerAnswerTests {
    private func problem(column: Int, length: Int) -> ServerProblem {
        ServerProblem(code: "query_syntax", detail: "", requestID: "r", column: column, length: length)
    }

    @Test("A mistake is marked where it is")
    func caret() {
        #expect(problem(column: 1, length: 4).marked(in: "actr:x") == "  actr:x\n  ^~~~")
        #expect(problem(column: 7, length: 1).marked(in: "actor:") == "  actor:\n        ^")
    }

    @Test("The mark stands right behind wide characters and those that are written out")
    func caretBehindOddCharacters() {
        #expect(problem(column: 3, length: 1).marked(in: "日\u{7}x:") == "  日\\u{7}x:\n         ^")
    }

    @Test(
        "The exit status follows from the answer's status",
        arguments: [
            (400, 65), (401, 77), (403, 77), (404, 65), (409, 65), (413, 65), (422, 65), (429, 69), (500, 69),
            (503, 69),
            (302, 69),
        ])
    func statuses(status: Int, exit: Int32) throws {
        let answer = ServerAnswer(
            status: status, contentType: "application/problem+json", retryAfter: nil,
            body: Array(#"{"code":"c","detail":"why","request_id":"r9"}"#.utf8))
        let failure = answer.failure(of: try ServerAddress("http://127.0.0.1:8400"))
        #expect(failure.code.rawValue == exit)
        #expect(failure.reason == "why [c, request r9]")
    }

    @Test("Only this machine's server gets the token of the default directory")
    func localAddresses() throws {
        for url in ["http://127.0.0.1:8400", "http://localhost:1", "http://[::1]:8400/", "https://127.9.9.9"] {
            #expect(try ServerAddress(url).isLocal, "\(url)")
        }
        for url in ["http://example.com", "https://127.0.0.1.example.com", "http://10.0.0.1:8400"] {
            #expect(try !ServerAddress(url).isLocal, "\(url)")
        }
    }

    @Test(
        "What is no URL of a server is refused",
        arguments: ["", "localhost:8400", "ftp://x", "http://", "http://u:p@h"])
    func badURLs(url: String) {
        #expect(throws: CommandFailure.self) { try ServerAddress(url) }
    }
}
