import Testing

@testable import custody

struct TailCommandTests {
    private static let stream =
        ": following\n\nid: 7\ndata: {\"index\":7,\"time\":\"2026-11-24T00:31:29.5Z\",\"action\":\"a.b\","
        + "\"actor\":{\"name\":\"o\\u001bcto\"}}\n\nevent: dropped\ndata: {\"dropped\":3}\n\n"

    @Test("Events are shown as they come; a broken connection is made again, and what may be missing is told")
    func reconnects() async throws {
        let attempts = Counter()
        try await StubServer.run { _ in
            attempts.next() < 3
                ? .init(body: Self.stream, contentType: "text/event-stream")
                : .problem(403, "forbidden", "the token was revoked")
        } _: { url, stub in
            let run = await CommandBench().run("tail", "env:prod", "x", "--url", url)
            #expect(run.status == 77)
            #expect(run.lines.count == 3)
            #expect(run.lines.last?.contains(#"o\u{1b}cto"#) == true)
            #expect(
                run.errors == """
                    note: 3 events dropped; events after 7 may be missing here
                    note: the server ended the connection; events after 7 may be missing here
                    note: connected again; events after 7 may be missing here
                    note: 3 events dropped; events after 7 may be missing here
                    note: the server ended the connection; events after 7 may be missing here
                    custody: the token was revoked [forbidden, request r1]

                    """)
            #expect(run.waits == [.milliseconds(500), .milliseconds(500)])
            #expect(stub.requests.first?.query == ["q": "env:prod x"])
        }
    }

    @Test("An alert that opens is a line between the events, with --json an object of its own")
    func alerts() async throws {
        let alert =
            "event: alert\nid: 8\ndata: {\"action\":\"alert.open\",\"resource\":\"b3e0\",\"details\":{\"rule_title\":\"Tag"
            + " moved\",\"severity\":\"high\",\"entity\":\"oc\\u001bto\"}}\n\n"
        for (arguments, line) in [
            (["tail"], #"ALERT high  Tag moved  oc\u{1b}to  custody alert show b3e0"#),
            (
                ["tail", "--json"],
                #"{"alert":{"id":"b3e0","severity":"high","title":"Tag moved","entity":"oc\u001bto"}}"#
            ),
        ] {
            let attempts = Counter()
            try await StubServer.run { _ in
                attempts.next() == 1
                    ? .init(body: alert, contentType: "text/event-stream") : .problem(400, "no_stages", "no stages")
            } _: { url, _ in
                let run = await CommandBench().run(arguments + ["--url", url], input: [])
                #expect(run.lines == [line])
            }
        }
    }

    @Test("With --json each event is a line as the server has it")
    func json() async throws {
        let attempts = Counter()
        try await StubServer.run { _ in
            attempts.next() == 1
                ? .init(body: Self.stream, contentType: "text/event-stream") : .problem(400, "no_stages", "no stages")
        } _: { url, _ in
            let run = await CommandBench().run("tail", "--json", "--url", url)
            #expect(run.status == 65)
            #expect(
                run.output
                    == #"{"index":7,"time":"2026-11-24T00:31:29.5Z","action":"a.b","actor":{"name":"o\u001bcto"}}"#
                    + "\n")
        }
    }

    @Test("Without a server there is nothing to follow: status 69")
    func unreachable() async {
        #expect(await CommandBench().run("tail", "--url", "http://127.0.0.1:1").status == 69)
    }
}
