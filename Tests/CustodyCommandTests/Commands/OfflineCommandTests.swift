import EventModel
import Testing

@testable import custody

/// Commands that judge files without a server.
struct OfflineCommandTests {
    private static let rule = """
        title: Tag moved
        id: 11111111-2222-3333-4444-555555555555
        status: test
        logsource:
            product: github
            service: audit
        detection:
            selection:
                action: %VALUE%
            condition: selection
        level: high
        custody:
            tests:
                - name: a tag moves
                  event: {action: tag.move}
                  match: true
        """

    private func rule(_ directory: TemporaryDirectory, _ value: String = "tag.move") throws -> String {
        try directory.file("rule.yml", Self.rule.replacing("%VALUE%", with: value))
    }

    @Test("A connector's events come one a line, with their place and their warnings")
    func sourceTest() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.file(
            "events.ndjson",
            #"{"id":"1","time":"2026-11-23T10:00:00Z","actor":"octocat","action":"repo.destroy"}"# + "\n"
                + #"{"actor":"x"}"#)
        let run = await CommandBench().run("source", "test", "generic", file, "--json")
        #expect(run.status == 0)
        #expect(run.lines.count == 2)
        try JSONDocument.read(Array(run.lines[0].utf8)) { json in
            #expect(json.members.map(\.key.text) == ["file", "position", "event", "warnings"])
            #expect(json.text("file") == file)
            #expect(json.text("position") == "0")
            #expect(json.text("event.actor.name") == "octocat")
            #expect(json.text("event.action") == "repo.destroy")
            #expect(json.text("event.time") == "2026-11-23T10:00:00Z")
            #expect(json.text("event.time_basis") == "payload")
            #expect(json.text("event.source.kind") == "generic")
        }
        try JSONDocument.read(Array(run.lines[1].utf8)) { json in
            #expect(json.text("position") == "1")
            #expect(json.text("event.time_basis") == "received")
        }
    }

    @Test("Headers decide what an event is; auto recognises it by shape")
    func headers() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.file("ping.json", #"{"zen":"x","hook_id":1,"sender":{"login":"octocat"}}"#)
        let run = await CommandBench().run(
            "source", "test", "github-webhook", file, "--header", "X-GitHub-Event: ping", "--json")
        #expect(run.status == 0)
        try JSONDocument.read(Array(run.output.utf8.dropLast())) {
            #expect($0.text("event.source.event_type") == "ping")
        }
        #expect(await CommandBench().run("source", "test", "auto", file).status == 0)
    }

    @Test("Tables fill what is read, for the sources that they are for; a mistake in them is told with its line")
    func enrichedBySourceTest() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.file("one.json", #"{"actor":"octocat","action":"x.y","service":"payments"}"#)
        let tables = try TemporaryDirectory()
        _ = try tables.file(
            "people.yaml",
            "match: actor.name\nsources: [shop]\nrows:\n  - {key: octocat, set: {ext.person: Mona}}\n")
        for (source, person) in [("shop", "Mona"), ("other", "")] {
            let run = await CommandBench().run(
                "source", "test", "generic", file, "--enrichment", tables.path, "--source", source, "--json")
            #expect(run.status == 0)
            try JSONDocument.read(Array(run.output.utf8.dropLast())) { json in
                #expect(json.text("event.source.name") == source)
                #expect(json.text("event.ext.person") == person)
            }
        }
        _ = try tables.file("people.yaml", "match: actor.name\nrows:\n  - {key: octocat, set: {action: other}}\n")
        let bad = await CommandBench().run("source", "test", "generic", file, "--enrichment", tables.path)
        #expect(bad.status == 65 && bad.output.isEmpty)
        #expect(bad.errors.contains("people.yaml") && bad.errors.contains("3"))
    }

    @Test("An unknown connector is a usage error that names those there are; what cannot be read is refused")
    func sourceTestErrors() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.file("bad.ndjson", "{\"a\":1}\n{\"a\":\n")
        let unknown = await CommandBench().run("source", "test", "nope", file)
        #expect(unknown.status == 64)
        #expect(unknown.errors.hasPrefix("custody: no connector \"nope\"; there are: 1password-events, "))
        let bad = await CommandBench().run("source", "test", "generic", file, "--json")
        #expect(bad.status == 65)
        #expect(bad.lines.count == 1)
        #expect(bad.errors.hasPrefix("custody: \(file): entry 1: "))
        #expect(await CommandBench().run("source", "test", "generic", "/nowhere").status == 65)
    }

    @Test("Matches come one a line, in the order of the events; none is status 1")
    func ruleMatch() async throws {
        let directory = try TemporaryDirectory()
        let events = try directory.file(
            "events.ndjson", "{\"action\":\"x\"}\n{\"action\":\"tag.move\"}\n\n{\"action\":\"TAG.move\"}\n")
        let run = await CommandBench().run(
            "rule", "match", try rule(directory), "--events", events, "--ignore-logsource", "--json")
        #expect(run.status == 0)
        #expect(
            run.output == """
                {"rule":"11111111-2222-3333-4444-555555555555","position":1}
                {"rule":"11111111-2222-3333-4444-555555555555","position":2}

                """)
        let none = await CommandBench().run(
            "rule", "match", try rule(directory, "nothing"), "--events", events, "--ignore-logsource", "--json")
        #expect(none.status == 1)
        #expect(none.output.isEmpty)
    }

    @Test("Placeholders take their values from a file of variables")
    func variables() async throws {
        let directory = try TemporaryDirectory()
        let text = Self.rule.replacing("action: %VALUE%", with: "action|expand: '%moves%'")
        let rule = try directory.file("expand.yml", text)
        let events = try directory.file("events.ndjson", "{\"action\":\"tag.move\"}\n")
        let vars = try directory.file("vars.json", #"{"moves":["tag.move","tag.force"]}"#)
        let arguments = ["rule", "match", rule, "--events", events, "--ignore-logsource"]
        let run = await CommandBench().run(arguments + ["--vars", vars], input: [])
        #expect(run.status == 0)
        #expect(run.lines.count == 2)
        #expect(await CommandBench().run(arguments, input: []).status == 65)
    }

    @Test("Without --ignore-logsource a rule sees the events of its own sources only")
    func logSource() async throws {
        let directory = try TemporaryDirectory()
        let event =
            #"{"action":"tag.move","@timestamp":1700000000000,"actor":"octocat","org":"acme","_document_id":"x"}"#
        let events = try directory.file("events.ndjson", event + "\n" + #"{"action":"tag.move"}"# + "\n")
        let run = await CommandBench().run("rule", "match", try rule(directory), "--events", events, "--json")
        #expect(run.output == "{\"rule\":\"11111111-2222-3333-4444-555555555555\",\"position\":0}\n")
    }

    @Test("With --ignore-logsource a foreign rule sees payloads only, one about canonical fields sees those")
    func canonicalFields() async throws {
        let directory = try TemporaryDirectory()
        let text = Self.rule.replacing("action: %VALUE%", with: "actor.name: octocat")
        let foreign = try directory.file("foreign.yml", text)
        let own = try directory.file(
            "own.yml",
            text.replacing("product: github", with: "category: supply_chain").replacing(
                "    service: audit\n", with: ""
            )
            .replacing("id: 1111", with: "id: 2222"))
        let events = try directory.file("events.ndjson", #"{"user":"octocat"}"# + "\n")
        let run = await CommandBench().run(
            "rule", "match", foreign, own, "--events", events, "--ignore-logsource", "--json")
        #expect(run.output == "{\"rule\":\"22221111-2222-3333-4444-555555555555\",\"position\":0}\n")
    }

    @Test("A rule that is refused is status 65, with file, line and reason")
    func refusedRule() async throws {
        let directory = try TemporaryDirectory()
        let rule = try directory.file(
            "rule.yml", "title: x\nlogsource: {product: github}\ndetection:\n    condition: nope\n")
        let events = try directory.file("events.ndjson", "{}\n")
        let run = await CommandBench().run("rule", "match", rule, "--events", events)
        #expect(run.status == 65)
        #expect(run.errors.hasPrefix("\(rule):"))
        #expect(run.errors.hasSuffix("custody: 1 rule refused\n"))
    }

    @Test("Rules are held to the tests inside them")
    func ruleTest() async throws {
        let directory = try TemporaryDirectory()
        let good = await CommandBench().run("rule", "test", try rule(directory))
        #expect(good.status == 0)
        #expect(good.output.hasSuffix("Tag moved: a tag moves: ok\n"))
        let bad = await CommandBench().run("rule", "test", try rule(directory, "other"), "--json")
        #expect(bad.status == 1)
        #expect(bad.output.contains(#""passed":false,"reason":"expected a match, found none""#))
        #expect(await CommandBench().run("rule", "test").status == 0)
    }
}
