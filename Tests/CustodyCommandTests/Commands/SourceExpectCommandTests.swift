import Testing

@testable import custody

/// What is expected of sources, and how complete they are, over HTTP.
struct SourceExpectCommandTests {
    private static let completeness =
        #"{"condition":"gaps","expected":{"every_seconds":7200,"quiet_hours":"22:00-06:00","sequence":"raw.seq","partition":"raw.shard","grace_seconds":300},"events":12,"last":"2026-11-26T12:00:00Z","duplicates":2,"rejected":0,"refused":1,"late":0,"ahead":0,"gaps":1,"missing":2,"unnumbered":0,"sequences":[{"partition":"eu","next":9,"missing":2,"holes":[{"first":4,"last":5,"since":"2026-11-26T11:00:00Z","told":true}]}]}"#

    private static let lines = """
        condition gaps
        expected  an event every 7200 seconds but 22:00-06:00 UTC; no hole in raw.seq of each raw.shard for 300 seconds
        events    12, the last 2026-11-26T12:00:00Z
        counts    2 duplicates, 1 refused
        missing   2 numbers now, 1 gaps told
        hole      4 to 5 of eu

        """

    @Test("What is expected is sent as it was given, and shown with how complete the source is")
    func expect() async throws {
        try await StubServer.run { _ in
            .json(Self.completeness)
        } _: { url, stub in
            let run = await CommandBench().run(
                "source", "expect", "pay", "--every", "2h", "--quiet-hours", "22:00-06:00", "--sequence", "raw.seq",
                "--partition", "raw.shard", "--url", url)
            #expect(run.output == Self.lines, "\(run.errors)")
            #expect(stub.requests.map(\.path) == ["/v1/sources/pay/expectations"])
            #expect(
                stub.requests.map(\.body)
                    == [
                        #"{"every":"2h","quiet_hours":"22:00-06:00","sequence":"raw.seq","partition":"raw.shard"}"#
                    ])
        }
    }

    @Test("A source is shown with how complete it is")
    func show() async throws {
        try await StubServer.run { _ in
            .json(#"{"name":"pay","connector":"generic","hook":"/v1/hooks/pay","completeness":\#(Self.completeness)}"#)
        } _: { url, _ in
            let run = await CommandBench().run("source", "show", "pay", "--url", url)
            #expect(
                run.output == "source    pay\nconnector generic\nhook      /v1/hooks/pay\n" + Self.lines,
                "\(run.errors)")
        }
    }

    @Test("All entries of a quarantine are taken page by page, and counted together")
    func replayAll() async throws {
        try await StubServer.run { asked in
            asked.query["after"] == "0"
                ? .json(
                    #"{"taken":99,"refused":1,"cut":0,"accepted":120,"duplicates":3,"reason":"entry 7: no","left":31,"after":100}"#
                )
                : .json(#"{"taken":30,"refused":0,"cut":0,"accepted":30,"duplicates":0,"left":1}"#)
        } _: { url, stub in
            let run = await CommandBench().run("source", "quarantine", "--source", "pay", "--replay-all", "--url", url)
            #expect(
                run.output == "129 entries taken: 150 events, 3 duplicates; 1 refused again, 0 cut, 1 left\n")
            #expect(run.errors.contains("entry 7: no"))
            #expect(run.status == 65)
            #expect(stub.requests.map { $0.query["after"] } == ["0", "100"])
        }
    }

    @Test(
        "What says nothing, or contradicts itself, is a usage error",
        arguments: [
            [], ["--none", "--every", "2h"], ["--quiet-hours", "22:00-06:00"],
            ["--partition", "raw.a", "--every", "2h"],
        ])
    func usage(arguments: [String]) async {
        #expect(await CommandBench().run(["source", "expect", "pay"] + arguments, input: []).status == 64)
    }

    @Test("All of a quarantine needs a source")
    func replayAllOfWhat() async {
        #expect(await CommandBench().run("source", "quarantine", "--replay-all").status == 64)
    }
}
