import Foundation
import Testing

@testable import custody

/// Silences, backtests, additions of rules, destinations and JUnit output.
struct DetectionCommandTests {
    private static let rule = """
        title: Tag <moved>
        logsource: {category: supply_chain}
        detection: {s: {a: 1}, condition: s}
        custody:
            tests:
                - {name: one & only, event: {a: 1}, match: true}
                - {name: another, event: {a: 2}, match: EXPECTED}

        """

    @Test("Remarks, reopening and evidence go where they belong")
    func alertWork() async throws {
        try await StubServer.run { asked in
            asked.path.hasSuffix("evidence")
                ? .json(#"{"evidence":[{"index":7,"proof":"p"},{"index":9}],"unlisted_evidence":2}"#)
                : .json(#"{"id":"b3e0","title":"Tag moved","status":"open"}"#)
        } _: { url, stub in
            #expect(await CommandBench().run("alert", "comment", "b3e0", "odd", "--url", url).status == 0)
            #expect(await CommandBench().run("alert", "reopen", "b3e0", "--url", url).status == 0)
            #expect(stub.requests.map(\.body) == [#"{"comment":"odd"}"#, "{}"])
            #expect(stub.requests.map(\.path) == ["/v1/alerts/b3e0/comment", "/v1/alerts/b3e0/reopen"])
            let run = await CommandBench().run("alert", "evidence", "b3e0", "--url", url)
            #expect(run.output == "event  proof\n    7  yes\n    9  not published yet\n")
            #expect(run.errors.contains("2 more events"))
        }
    }

    @Test("A silence needs something to silence, a reason and an end")
    func silence() async throws {
        try await StubServer.run { _ in
            .json(#"{"id":"s1","expires":"2026-11-24T05:00:00Z"}"#, status: 201)
        } _: { url, stub in
            let run = await CommandBench().run(
                "rule", "silence", "add", "--entity", "ci-*", "--for", "4h", "--reason", "CHG-1", "--url", url)
            #expect(run.output == "silence s1 until 2026-11-24T05:00:00Z\n")
            #expect(stub.requests.map(\.body) == [#"{"entity":"ci-*","reason":"CHG-1","duration":"4h"}"#])
        }
        for bad in [
            ["--for", "4h", "--reason", "r"], ["--entity", "x", "--reason", "r"], ["--entity", "x", "--for", "4h"],
            ["--entity", "x", "--for", "4h", "--until", "2027-01-01", "--reason", "r"],
        ] {
            #expect(await CommandBench().run(["rule", "silence", "add"] + bad, input: []).status == 64, "\(bad)")
        }
    }

    @Test("A backtest sends a file's text or an id, and tells both sides")
    func backtest() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.file("r.yml", "title: x\n")
        let answer =
            #"{"events":10,"matches":2,"complete":true,"alert_count":1,"signal_count":0,"live_alert_count":0,"took_ms":3,"evidence":{"both":0,"only_backtest":2,"only_live":0},"alerts":[]}"#
        try await StubServer.run { asked in
            .json(asked.body.contains("none") ? answer.replacing(#""matches":2"#, with: #""matches":0"#) : answer)
        } _: { url, stub in
            let run = await CommandBench().run("rule", "backtest", file, "--since", "-7d", "--url", url)
            #expect(run.status == 0 && run.output.contains("would have raised   1 alerts"))
            #expect(await CommandBench().run("rule", "backtest", "none", "--url", url).status == 1)
            #expect(
                stub.requests.map(\.body) == [
                    #"{"rule":"title: x\n","since":"-7d"}"#, #"{"id":"none","since":"-90d"}"#,
                ])
        }
        #expect(await CommandBench().run("rule", "backtest", "/nowhere/r.yml").status == 65)
    }

    @Test("Added rules are reported as active, dormant and refused; a refusal is status 65")
    func addition() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.file("r.yml", "title: x\n")
        let broken = directory.path + "/broken.yml"
        try Data([0xFF, 0xFE]).write(to: URL(fileURLWithPath: broken))
        let answer =
            #"{"rules":[{"title":"a","dormant":false},{"title":"d","dormant":true,"file":"d.yml","logsource":"product: windows"}],"refused":["bad.yml:3: no condition"],"warnings":[]}"#
        try await StubServer.run { _ in
            .json(answer)
        } _: { url, stub in
            let run = await CommandBench().run("rule", "add", "--check", file, broken, "--url", url)
            #expect(run.status == 65 && run.output == "dormant: d.yml: d (product: windows)\n")
            #expect(run.errors.contains("refused: broken.yml: not valid UTF-8") && run.errors.contains("2 files: "))
            #expect(run.errors.contains("1 rules active") && run.errors.contains("refused: bad.yml:3: no condition"))
            #expect(
                stub.requests.map(\.body) == [
                    #"{"files":[{"name":"r.yml","text":"title: x\n"}],"check":true,"reload":true}"#
                ])
        }
    }

    @Test("A test of a destination that is not taken is status 1 and says why")
    func destinations() async throws {
        try await StubServer.run { asked in
            .json(
                asked.path.contains("good")
                    ? #"{"delivered":true}"# : #"{"delivered":false,"reason":"the receiver answered 404"}"#)
        } _: { url, _ in
            #expect(await CommandBench().run("destination", "test", "good", "--url", url).output == "taken\n")
            let bad = await CommandBench().run("destination", "test", "bad", "--url", url)
            #expect(bad.status == 1 && bad.errors.contains("answered 404"))
        }
        #expect(await CommandBench().run("destination", "resend").status == 64)
        #expect(await CommandBench().run("destination", "resend", "m", "--destination", "d").status == 64)
    }

    @Test("JUnit output holds every test, and every rule that was refused as an error")
    func junit() async throws {
        let directory = try TemporaryDirectory()
        let output = directory.path + "/report.xml"
        let good = try directory.file("good.yml", Self.rule.replacing("EXPECTED", with: "true"))
        let run = await CommandBench().run("rule", "test", good, "--junit", output)
        #expect(run.status == 1)
        let text = try String(contentsOfFile: output, encoding: .utf8)
        #expect(text.contains(#"tests="2" failures="1" errors="0""#))
        #expect(text.contains(#"classname="Tag &lt;moved&gt;" name="one &amp; only""#))
        #expect(text.contains(#"<failure message="expected a match, found none"/>"#))
        let bad = try directory.file("bad.yml", "title: x\n")
        #expect(await CommandBench().run("rule", "test", bad, "--junit", output).status == 65)
        let refused = try String(contentsOfFile: output, encoding: .utf8)
        #expect(refused.contains(#"errors="1""#) && refused.contains(#"<error type="invalid_rule""#))
    }
}
