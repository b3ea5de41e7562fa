import Testing

@testable import custody

/// `custody doctor --incidents` and `custody relay key`.
struct IncidentCommandTests {
    private static func answer(_ answer: String) -> String {
        #"{"pack":{"sha256":"00","errors":["own.yml:3: no"]},"checked":"2026-11-24T00:00:00Z","took_ms":3,"#
            + #""counts":{},"incidents":[{"id":"xz-2024","title":"xz-utils","answer":"\#(answer)","reason":"1 event: a bad file","#
            + #""exposure":{"from":"2024-02-24T00:00:00Z","until":"2024-03-30T00:00:00Z"},"sources":["https://example.org/xz"],"#
            + #""remedy":"Go back.\nAt once.\n","evidence":[{"index":7,"indicator":"a bad file","weight":"proof","event":"#
            + #"{"index":7,"time":"2024-03-01T10:00:00.5Z","source":{"kind":"generic"},"action":"artifact.pull","actor":{"name":"ci"}}}],"#
            + #""coverage":[{"channel":"c","title":"fetches","covered":"all","events":12,"limit":"Laptops are not seen."}]}]}"#
    }

    @Test("A yes comes with its events, what to do and where that is known from, and makes the command fail")
    func yes() async throws {
        try await StubServer.run { _ in
            .json(Self.answer("yes"))
        } _: { url, stub in
            let run = await CommandBench().run("doctor", "--incidents", "--url", url)
            #expect(run.status == 1 && stub.requests.map(\.path).contains("/v1/exposure"))
            #expect(run.lines.first == "YES          xz-utils  (xz-2024, 2024-02-24 to 2024-03-30)")
            for text in [
                "event 7  2024-03-01T10:00:00Z  generic  artifact.pull  ci", "do: At once.",
                "see https://example.org/xz",
            ] {
                #expect(run.output.contains(text), "\(run.output)")
            }
            #expect(run.errors.contains("own.yml:3"))
        }
    }

    @Test("A no tells what was covered, and --json gives a line for each incident")
    func no() async throws {
        try await StubServer.run { _ in
            .json(Self.answer("no"))
        } _: { url, _ in
            let run = await CommandBench().run("doctor", "--incidents", "--url", url)
            #expect(run.status == 0 && run.output.contains("covered: fetches, 12 events; Laptops are not seen."))
            let json = await CommandBench().run("doctor", "--incidents", "--json", "--url", url)
            #expect(json.lines.count == 1 && json.output.hasPrefix(#"{"id":"xz-2024""#))
        }
    }

    @Test("A server's key for its relays is made once and printed alone")
    func key() async throws {
        let directory = try TemporaryDirectory()
        let first = await CommandBench().run("relay", "key", "--data", directory.path)
        #expect(first.status == 0 && first.lines.count == 1 && first.output.utf8.count == 45)
        let second = await CommandBench().run("relay", "key", "--data", directory.path)
        #expect(second.output == first.output)
        #expect(await CommandBench().run("relay", "key", "--data", directory.path + "/none").status == 65)
    }

    @Test("A relay says what it needs before it listens")
    func usage() async throws {
        let directory = try TemporaryDirectory()
        let run = await CommandBench().run("relay", "--data", directory.path + "/relay")
        #expect(run.status == 64 && run.errors.contains("custody relay key"), "\(run.errors)")
        for bad in [["--server", "abc"], ["--spool", "1"], ["--listen", "nowhere"]] {
            #expect(await CommandBench().run(["relay", "--data", directory.path + "/r"] + bad, input: []).status == 64)
        }
    }
}
