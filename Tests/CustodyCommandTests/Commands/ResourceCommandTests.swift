import Testing

@testable import custody

/// Sources, rules, alerts and tokens over HTTP.
struct ResourceCommandTests {
    @Test("A made secret is shown once, under the hook it is for")
    func addSource() async throws {
        let source =
            #"{"name":"acme","connector":"github-webhook","enabled":true,"has_secret":true,"created":"2026-11-24T00:00:00Z","hook":"/v1/hooks/acme","secret":"s3cr3t"}"#
        try await StubServer.run { _ in
            .json(source, status: 201)
        } _: { url, stub in
            let run = await CommandBench().run(
                "source", "add", "acme", "--connector", "github-webhook", "--generate-secret", "--url", url)
            #expect(
                run.output
                    == "source    acme (github-webhook, enabled)\nhook      \(url)/v1/hooks/acme\nsecret    s3cr3t\n")
            #expect(
                stub.requests.map(\.body) == [#"{"name":"acme","connector":"github-webhook","generate_secret":true}"#])
        }
    }

    @Test("A secret is read from a file, never from the command line")
    func secretFile() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.file("secret", "hunter2\n")
        try await StubServer.run { _ in
            .json(#"{"name":"acme","connector":"auto","enabled":true}"#)
        } _: { url, stub in
            _ = await CommandBench().run("source", "rotate", "a/b", "--secret-file", file, "--url", url)
            #expect(stub.requests.map(\.body) == [#"{"secret":"hunter2"}"#])
            #expect(stub.requests.map(\.path) == ["/v1/sources/a%2Fb/rotate"])
        }
        #expect(await CommandBench().run("source", "add", "x", "--secret", "hunter2").status == 64)
    }

    @Test("Alerts are listed with their age and weight; none is status 1")
    func alerts() async throws {
        let alert =
            #"{"id":"b3e0","rule":"r","title":"Tag moved","severity":"high","status":"open","last_seen":"2026-11-24T01:44:10.5Z","count":3,"entity":"octocat"}"#
        try await StubServer.run { asked in
            .json(asked.query["status"] == "open" ? #"{"alerts":[\#(alert)]}"# : #"{"alerts":[]}"#)
        } _: { url, _ in
            let run = await CommandBench().run("alert", "list", "--status", "open", "--url", url)
            #expect(
                run.output == """
                    id    severity  status  last seen             count  title      entity   assignee
                    b3e0  high      open    2026-11-24T01:44:10Z      3  Tag moved  octocat  -

                    """)
            let json = await CommandBench().run("alert", "list", "--status", "open", "--json", "--url", url)
            #expect(json.output == alert + "\n")
            #expect(await CommandBench().run("alert", "list", "--url", url).status == 1)
        }
    }

    @Test("An alert is closed with a verdict")
    func closeAlert() async throws {
        try await StubServer.run { _ in
            .json(#"{"id":"b3e0","title":"Tag moved","status":"closed"}"#)
        } _: { url, stub in
            let run = await CommandBench().run(
                "alert", "close", "b3e0", "--verdict", "false_positive", "--comment", "a drill", "--url", url)
            #expect(run.status == 0)
            #expect(stub.requests.map(\.body) == [#"{"verdict":"false_positive","comment":"a drill"}"#])
        }
        #expect(await CommandBench().run("alert", "close", "b3e0", "--verdict", "maybe").status == 64)
    }

    @Test("A new token stands alone on standard output; its life can be given in days")
    func createToken() async throws {
        let token =
            #"{"id":"2CmP","name":"ci","scopes":["ingest"],"sources":["ci"],"expires":"2027-02-22T00:00:00Z","token":"custody_2CmP_x"}"#
        try await StubServer.run { _ in
            .json(token, status: 201)
        } _: { url, stub in
            let run = await CommandBench().run(
                "token", "create", "ci", "--scope", "ingest", "--source", "ci", "--expires", "90d", "--url", url)
            #expect(run.output == "custody_2CmP_x\n")
            #expect(
                stub.requests.first?.body.hasPrefix(
                    #"{"name":"ci","scopes":["ingest"],"sources":["ci"],"expires":"2027-02-22T00:00:00."#) == true)
        }
        #expect(await CommandBench().run("token", "create", "ci").status == 64)
    }

    @Test("A token is revoked by its id")
    func revokeToken() async throws {
        try await StubServer.run { _ in
            .init(status: 204)
        } _: { url, stub in
            let run = await CommandBench().run("token", "revoke", "2CmP", "--url", url)
            #expect(run.output == "revoked 2CmP\n")
            #expect(stub.requests.map { $0.method + " " + $0.path } == ["DELETE /v1/tokens/2CmP"])
        }
    }

    @Test("Rules in force are listed; what was refused is told on standard error")
    func rules() async throws {
        let answer =
            #"{"rules":[{"id":"r1","title":"Tag moved","severity":"high","dormant":true,"file":"tag.yml"}],"refused":["bad.yml:3: no condition"],"warnings":[]}"#
        try await StubServer.run { _ in
            .json(answer)
        } _: { url, _ in
            let run = await CommandBench().run("rule", "list", "--url", url)
            #expect(run.output == "id  severity  state    title      file\nr1  high      dormant  Tag moved  tag.yml\n")
            #expect(run.errors == "refused: bad.yml:3: no condition\n")
        }
    }
}
