import Synchronization
import Testing

@testable import custody

struct SearchCommandTests {
    private static func event(_ index: Int) -> String {
        #"{"index":\#(index),"time":"2026-11-24T00:31:29.5Z","source":{"kind":"generic"},"action":"a.b","actor":{"name":"evil\#u{1B}[2J\#u{202E}"},"outcome":"success"}"#
            .replacing("\u{1B}", with: "\\u001b")
    }

    private static let stats =
        #""stats":{"matched":25000,"exact":true,"scanned_bytes":10,"took_ms":1.5,"segments":3,"segments_read":1}"#

    private static func events(_ range: Range<Int>, cursor: String?) -> StubServer.Answer {
        let list = range.map(event).joined(separator: ",")
        let next = cursor.map { #""cursor":"\#($0)","# } ?? ""
        return .json(#"{"kind":"events","canonical":"a","events":[\#(list)],\#(next)\#(stats)}"#)
    }

    @Test("Events are a table that fits the terminal, and what is in them cannot touch it")
    func table() async throws {
        try await StubServer.run { _ in
            Self.events(0..<2, cursor: nil)
        } _: { url, _ in
            var bench = CommandBench()
            bench.width = 80
            let run = await bench.run("search", "a", "--url", url)
            #expect(run.status == 0)
            #expect(
                run.lines == [
                    "index  time                  source   action  actor             resource  outcome",
                    #"    0  2026-11-24T00:31:29Z  generic  a.b     evil\u{1b}[2J…  -         success"#,
                    #"    1  2026-11-24T00:31:29Z  generic  a.b     evil\u{1b}[2J…  -         success"#,
                ] || run.lines.allSatisfy { $0.count <= 80 })
            #expect(!run.output.unicodeScalars.contains { VisibleText.isDangerous($0) && $0 != "\n" })
        }
    }

    @Test("NDJSON follows the cursor up to the limit")
    func pages() async throws {
        try await StubServer.run { asked in
            asked.body.contains("cursor")
                ? Self.events(10_000..<11_500, cursor: "c2") : Self.events(0..<10_000, cursor: "c1")
        } _: { url, stub in
            let run = await CommandBench().run("search", "a", "--json", "--limit", "11500", "--url", url)
            #expect(run.lines.count == 11_500)
            #expect(run.lines.last?.hasPrefix(#"{"index":11499,"#) == true)
            #expect(
                stub.requests.map(\.body) == [#"{"q":"a","limit":10000}"#, #"{"q":"a","limit":1500,"cursor":"c1"}"#])
            #expect(run.errors == "note: 11500 of 25000 shown; give --limit for more\n")
        }
    }

    @Test("A table's rows are a table, or objects with --json")
    func rows() async throws {
        let answer = StubServer.Answer.json(
            #"{"kind":"table","canonical":"a | top 2 actor","columns":["actor","count"],"rows":[["octocat",12],[null,3]],\#(Self.stats)}"#
        )
        try await StubServer.run { _ in
            answer
        } _: { url, _ in
            let table = await CommandBench().run("search", "a | top 2 actor", "--url", url)
            #expect(table.output == "actor    count\noctocat     12\n-            3\n")
            let json = await CommandBench().run("search", "a | top 2 actor", "--json", "--url", url)
            #expect(json.output == "{\"actor\":\"octocat\",\"count\":12}\n{\"actor\":null,\"count\":3}\n")
        }
    }

    @Test("Nothing found is status 1, and the window that nobody asked for is told with the hits outside")
    func nothingFound() async throws {
        let answer = StubServer.Answer.json(
            #"{"kind":"events","canonical":"a","events":[],"stats":{"matched":0,"exact":true},"default_window":{"since":"2026-11-23T00:00:00Z","until":"2026-11-24T00:00:00Z","hits_outside":42}}"#
        )
        try await StubServer.run { _ in
            answer
        } _: { url, _ in
            let run = await CommandBench().run("search", "a", "--url", url)
            #expect(run.status == 1)
            #expect(run.output.isEmpty)
            #expect(
                run.errors == """
                    note: the last 24 hours were searched (since 2026-11-23T00:00:00Z); 42 hits lie outside; give --since for \
                    another time
                    nothing found

                    """)
        }
    }

    @Test("A mistake in a query is shown in place; the status is 65")
    func queryError() async throws {
        let answer = StubServer.Answer.problem(
            400, "query_unknown_field", "column 1: there is no field actr; did you mean actor?",
            more: #","column":1,"length":4,"suggestion":"actor""#)
        try await StubServer.run { _ in
            answer
        } _: { url, _ in
            let run = await CommandBench().run("search", "actr:octocat", "--url", url)
            #expect(run.status == 65)
            #expect(
                run.errors == """
                      actr:octocat
                      ^~~~
                    custody: column 1: there is no field actr; did you mean actor? [query_unknown_field, request r1]

                    """)
        }
    }

    @Test("A token that is not known is status 77, no token says how to have one, no server is 69")
    func statuses() async throws {
        try await StubServer.run { _ in
            .problem(401, "unauthenticated", "a bearer token is needed")
        } _: { url, _ in
            #expect(await CommandBench().run("search", "a", "--url", url).status == 77)
            var bench = CommandBench()
            bench.environment = [:]
            let run = await bench.run("search", "a", "--url", url, "--data", "/nowhere")
            #expect(run.status == 77)
            #expect(
                run.errors
                    == "custody: the server wants a token: set CUSTODY_TOKEN, or add --data DIR; there is no /nowhere/keys/admin.token\n"
            )
        }
        let run = await CommandBench().run("search", "a", "--url", "http://127.0.0.1:1")
        #expect(run.status == 69)
        #expect(run.errors == "custody: no answer from http://127.0.0.1:1: connection refused\n")
    }
}
