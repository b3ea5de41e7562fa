import EventModel
import Testing

@testable import Connectors

@Suite struct LanguageTests {
    /// Reads one payload with a connector whose file ends in `rules`.
    private func event(_ rules: String, _ payload: String, headers: DeliveryHeaders = DeliveryHeaders()) throws
        -> [String: Any]
    {
        let connector = try ConnectorFile.compile("name: x\nversion: 3\n" + rules, file: "x.yaml")
        let others = ConnectorCatalogue.builtIn.connectors
        let catalogue = try ConnectorCatalogue([connector] + others)
        let result = try ReadResult.reading(
            Array(payload.utf8), headers: headers, connector: "x", catalogue: catalogue)
        return try #require(result.events.first)
    }

    @Test("The first path with a text wins, and numbers and booleans become text")
    func firstOfSeveral() throws {
        let rules = "fields: {actor.name: [a, b.c], actor.id: n, app.env: t}"
        let event = try event(rules, #"{"a":null,"b":{"c":"ada"},"n":7,"t":true}"#)
        #expect(event.text("actor.name") == "ada")
        #expect(event.text("actor.id") == "7")
        #expect(event.text("app.env") == "true")
        #expect(event.text("norm.version") == "x/3")
        #expect(event.text("source.kind") == "x")
    }

    @Test("A template needs all its placeholders, unless they are optional or have an alternative")
    func templates() throws {
        let rules = """
            fields:
              action: "{noun}.{verb|word}"
              actor.name: "{noun}/{none}"
              actor.id: "{noun}/{none?}"
            """
        let event = try event(rules, #"{"noun":"door","word":"open"}"#)
        #expect(event.text("action") == "door.open")
        #expect(event.text("actor.name") == nil)
        #expect(event.text("actor.id") == "door/")
    }

    @Test("Maps, conditions, captures, prefixes and letter case")
    func transforms() throws {
        let rules = """
            let:
              short: {from: ref, strip: refs/heads/}
            fields:
              action:
                - {when: {equals: {kind: [b, c]}, matches: {ref: "^refs/"}}, is: first.one}
                - is: second.one
              outcome: {from: state, map: {"ok, fine": success}, default: failure}
              vcs.ref: $let.short
              vcs.repo: {from: url, match: "//[^/]+/(.*)", lower: true}
              app.name: {when: {not: {has: ref}}, is: hidden}
              app.env: {from: ref, until: /}
              app.version: {from: ref, after_last: /}
            """
        let event = try event(rules, #"{"kind":"c","ref":"refs/heads/main","state":"fine","url":"https://h/A/B"}"#)
        #expect(event.text("action") == "first.one")
        #expect(event.text("outcome") == "success")
        #expect(event.text("vcs.ref") == "main")
        #expect(event.text("vcs.repo") == "a/b")
        #expect(event.text("app.name") == nil)
        #expect(event.text("app.env") == "refs")
        #expect(event.text("app.version") == "main")
    }

    @Test(
        "An HTTP status tells an outcome, any other number none",
        arguments: [
            ("200", "success"), ("101", "success"), ("403", "denied"), ("404", "failure"), ("503", "failure"),
            ("7", nil),
            ("999", nil),
        ] as [(String, String?)])
    func httpOutcomes(_ status: String, _ outcome: String?) throws {
        let event = try event("fields: {outcome: [{from: s, http_outcome: true}, s]}", #"{"s":\#(status)}"#)
        #expect(event.text("outcome") == outcome)
    }

    @Test("A section's values come before the common ones, and a null suppresses them")
    func sections() throws {
        let rules = """
            event: [$header.X-Kind, kind]
            fields: {action: =common.all, actor.name: who, actor.id: id}
            events:
              "push, pushed":
                fields: {action: =code.push, actor.name: ~}
              note_*:
                fields: {action: "note.{kind}"}
            """
        let pushed = try event(rules, #"{"kind":"pushed","who":"ada","id":1}"#)
        #expect(pushed.text("action") == "code.push")
        #expect(pushed.text("actor.name") == nil)
        #expect(pushed.text("actor.id") == "1")
        #expect(try event(rules, #"{"kind":"note_a"}"#).text("action") == "note.note_a")
        #expect(try event(rules, #"{"kind":"else"}"#).text("action") == "common.all")
        let headers = DeliveryHeaders([("x-KIND", "push")])
        #expect(try event(rules, #"{"kind":"else"}"#, headers: headers).text("source.event_type") == "push")
    }

    @Test("Lists go through arrays, and images are taken apart")
    func lists() throws {
        let digest = String(repeating: "ab", count: 32)
        let rules = """
            let: {place: where}
            targets:
              - {each: people, type: =user, name: name, parent: $let.place}
            artifacts:
              - {each: images, image: .}
            chain:
              - {each: hops, skip: 1, value: .}
            """
        let payload = """
            {"where":"here","people":[{"name":"a"},{"name":"b"}],"images":["r.example/n/i:v1@sha256:\(digest)","plain"],
             "hops":["1.1.1.1","::ffff:2.2.2.2","nonsense"]}
            """
        let event = try event(rules, payload)
        #expect(event.text("targets.1.name") == "b")
        #expect(event.text("targets.1.parent") == "here")
        #expect(event.text("artifact.0.name") == "r.example/n/i")
        #expect(event.text("artifact.0.tag") == "v1")
        #expect(event.text("artifact.0.digest") == "sha256:\(digest)")
        #expect(event.text("artifact.1.name") == "plain")
        #expect((event["client"] as? [String: Any])?["chain"] as? [String] == ["2.2.2.2"])
    }

    @Test("Hashes of zeros and texts that are no digests are dropped")
    func hashes() throws {
        let rules = "fields: {vcs.commit: c, vcs.before: b}\nartifacts: [{name: =x, digest: d}]"
        let zeros = String(repeating: "0", count: 40)
        let event = try event(rules, #"{"c":"\#(String(repeating: "A", count: 40))","b":"\#(zeros)","d":"latest"}"#)
        #expect(event.text("vcs.commit") == String(repeating: "a", count: 40))
        #expect(event.text("vcs.before") == nil)
        #expect(event.text("artifact.0.digest") == nil)
        #expect(event.text("norm.warnings.0") == "artifact.digest: not a digest")
    }

    @Test("An event is looked for inside what a collector put around it, also as text")
    func wrappers() throws {
        let rules = "wrapped: [log, event]\nfields: {action: a}"
        #expect(try event(rules, #"{"event":{"a":"x.y"}}"#).text("action") == "x.y")
        #expect(try event(rules, #"{"log":"{\"a\":\"x.z\"}"}"#).text("action") == "x.z")
        #expect(try event(rules, #"{"log":"{broken","a":"own.a"}"#).text("action") == "own.a")
    }

    @Test("What is not known stays absent")
    func absent() throws {
        let event = try event("fields: {action: a, actor.name: b}", #"{"a":"","b":{"c":1}}"#)
        #expect(Set(event.keys) == ["source", "norm"])
    }

    @Test(
        "The delivery id comes from header or body, or the connector declares the content",
        arguments: [
            ("delivery: [$header.X-Id, id]", "identifier"), ("delivery: [other, $content]", "content"),
            ("delivery: other", "none"),
        ])
    func deliveryIDs(_ rules: String, _ basis: String) throws {
        let connector = try ConnectorFile.compile("name: x\nversion: 1\n" + rules, file: "x.yaml")
        let catalogue = try ConnectorCatalogue([connector] + ConnectorCatalogue.builtIn.connectors)
        let result = try ReadResult.reading(#"{"id":"i-1"}"#, connector: "x", catalogue: catalogue)
        #expect("\(result.bases[0])" == basis)
        #expect(result.events[0].text("source.delivery") == (basis == "identifier" ? "i-1" : nil))
    }
}
