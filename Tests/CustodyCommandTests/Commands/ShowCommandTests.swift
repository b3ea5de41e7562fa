import Testing

@testable import custody

struct ShowCommandTests {
    @Test("An event is shown in a sentence and in groups")
    func sheet() async throws {
        let event =
            #"{"index":42,"time":"2026-11-24T00:31:29.5Z","action":"repo.destroy","actor":{"id":"583231","name":"octocat"},"targets":[{"type":"team","name":"core"}],"resource":{"name":"acme/api"},"outcome":"success","ext":{"note":"a\u001bb"}}"#
        try await StubServer.run { _ in
            .json(event)
        } _: { url, _ in
            let run = await CommandBench().run("show", "42", "--url", url)
            #expect(
                run.output == #"""
                    octocat repo.destroy acme/api: success

                    index    42
                    time     2026-11-24T00:31:29.5Z
                    action   repo.destroy
                    outcome  success

                    actor
                      id    583231
                      name  octocat

                    targets[0]
                      type  team
                      name  core

                    resource
                      name  acme/api

                    ext
                      note  a\u{1b}b

                    """#)
        }
    }

    @Test("A payload is written byte for byte, but not onto a terminal")
    func raw() async throws {
        let payload = "{\"a\": \"\u{9B}2J\"}\n\u{1B}[31m"
        try await StubServer.run { _ in
            .init(body: payload, contentType: "text/plain")
        } _: { url, stub in
            var bench = CommandBench()
            #expect(await bench.run("show", "42", "--raw", "--url", url).output == payload)
            #expect(stub.requests.first?.path == "/v1/events/42/raw")
            bench.width = 80
            #expect(
                await bench.run("show", "42", "--raw", "--url", url).output == "{\"a\": \"\\u{9b}2J\"}\n\\u{1b}[31m\n")
        }
    }

    @Test("A proof that no checkpoint covers yet is waited for")
    func proof() async throws {
        let proof = "c2sp.org/tlog-proof@v1\nindex 42\n"
        let attempts = Counter()
        try await StubServer.run { _ in
            guard attempts.next() > 1 else {
                var answer = StubServer.Answer.problem(503, "not_published", "no checkpoint covers event 42 yet")
                answer.retryAfter = "1"
                return answer
            }
            return .init(body: proof, contentType: "text/plain")
        } _: { url, _ in
            let run = await CommandBench().run("show", "42", "--proof", "--url", url)
            #expect(run.output == proof)
            #expect(run.waits == [.seconds(1)])
        }
    }

    @Test("An event that is not there is status 1")
    func missing() async throws {
        try await StubServer.run { _ in
            .problem(404, "not_found", "there is no event 42")
        } _: { url, _ in
            #expect(await CommandBench().run("show", "42", "--url", url).status == 1)
        }
    }
}
