import EventModel
import Testing

@testable import Detection

@Suite("Evaluating rules over events")
struct EngineTests {
    private let kind = (Field.sourceKind, "github-audit-log")

    @Test("A payload's own field wins over the canonical one of the same name")
    func payloadFirst() throws {
        let engine = DetectionEngine(Samples.rule("s: {action: raw}\ncondition: s"))
        #expect(try Samples.matches(engine, [kind, (.action, "canonical")], payload: #"{"action":"raw"}"#).count == 1)
        #expect(try Samples.matches(engine, [kind, (.action, "raw")], payload: #"{"action":"other"}"#).isEmpty)
        #expect(try Samples.matches(engine, [kind, (.action, "raw")]).count == 1)
    }

    @Test("The prefix custody. names the canonical field whatever the payload says")
    func reservedPrefix() throws {
        let engine = DetectionEngine(Samples.rule("s: {custody.actor.name: eve}\ncondition: s"))
        #expect(
            try Samples.matches(engine, [kind, (.actorName, "EVE")], payload: #"{"actor":{"name":"bob"}}"#).count == 1)
        #expect(
            try Samples.matches(engine, [kind, (.actorName, "bob")], payload: #"{"custody":{"actor":{"name":"eve"}}}"#)
                .isEmpty)
    }

    @Test("Canonical lists, times and extensions can be asked about")
    func canonicalKinds() throws {
        let engine = DetectionEngine(
            Samples.rule("s:\n  artifact.digest|endswith: beef\n  time|hour: 3\n  ext.team: red\ncondition: s"))
        let fields = [
            kind, (Field.artifactDigest, "sha256:aa"), (.artifactDigest, "sha256:beef"),
            (.time, "2026-11-24T03:04:05Z"),
            (.ext, "team\0Red"),
        ]
        #expect(try Samples.matches(engine, fields).count == 1)
    }

    @Test("A rule sees the events of its own sources only")
    func routing() throws {
        let engine = DetectionEngine(Samples.rule("s: {a: 1}\ncondition: s", source: "product: github, service: audit"))
        #expect(try Samples.matches(engine, [kind], payload: #"{"a":1}"#).count == 1)
        #expect(try Samples.matches(engine, [(.sourceKind, "kubernetes-audit")], payload: #"{"a":1}"#).isEmpty)
    }

    @Test("A rule may name its sources itself")
    func ownSources() throws {
        let engine = DetectionEngine(
            Samples.rule("s: {a: 1}\ncondition: s", source: "product: x", extra: "custody: {sources: ['gitlab-*']}"))
        #expect(try Samples.matches(engine, [(.sourceKind, "gitlab-webhook")], payload: #"{"a":1}"#).count == 1)
        #expect(try Samples.matches(engine, [kind], payload: #"{"a":1}"#).isEmpty)
    }

    @Test("A rule for a source that we do not have is dormant, not lost")
    func dormancy() {
        let set = Samples.rule("s: {a: 1}\ncondition: s", source: "product: windows, category: process_creation")
        #expect(set.errors.isEmpty && set.dormant.count == 1)
    }

    @Test("Replaced rules are in force from the next event on")
    func replacement() throws {
        let engine = DetectionEngine(Samples.rule("s: {a: 1}\ncondition: s"))
        #expect(try Samples.matches(engine, [kind], payload: #"{"a":1}"#).count == 1)
        engine.replace(with: Samples.rule("s: {a: 2}\ncondition: s"))
        #expect(try Samples.matches(engine, [kind], payload: #"{"a":1}"#).isEmpty)
        #expect(try Samples.matches(engine, [kind], payload: #"{"a":2}"#).count == 1)
    }

    @Test("A match says which predicates held, who it is about and which rule text it was")
    func explanation() throws {
        let set = Samples.rule(
            "s:\n  action|startswith: 'repo.'\n  visibility: public\nf: {actor: bot}\ncondition: s and not f",
            extra: "level: high\ncustody: {group: [repo]}")
        let match = try #require(
            try Samples.matches(
                DetectionEngine(set), [kind, (.actorName, "eve")],
                payload: #"{"action":"repo.access","visibility":"public","actor":"eve","repo":"acme/api"}"#, index: 7
            ).first)
        #expect(match.index == LeafIndex(7) && match.entity == "eve")
        #expect(match.group.map(\.value) == ["acme/api"])
        #expect(
            Set(match.explanation) == [
                "action starts with \"repo.\"", "visibility is \"public\"", "not: actor is \"bot\"",
            ])
        #expect(match.rule.hash.count == 64)
    }

    @Test("Kubernetes' short field names find their paths")
    func aliases() throws {
        let engine = DetectionEngine(
            Samples.rule("s: {hostPath|exists: true}\ncondition: s", source: "product: kubernetes, service: audit"))
        let payload = #"{"requestObject":{"spec":{"volumes":[{"name":"a"},{"hostPath":{"path":"/"}}]}}}"#
        #expect(try Samples.matches(engine, [(.sourceKind, "kubernetes-audit")], payload: payload).count == 1)
    }

    @Test("Candidates from the index and rules without a witness give the same answers as each rule alone")
    func indexing() throws {
        let bodies = [
            "s: {a: X}\ncondition: s", "s: {a: [x, y]}\nt: {b|contains: q}\ncondition: s and t",
            "s: {a: z}\nt: {b: q}\ncondition: s or t", "s: {a: x}\ncondition: not s", "s: {a|cased: X}\ncondition: s",
            "s: {a: ''}\ncondition: s", "s: {a: null}\ncondition: s",
        ]
        let events = [
            #"{"a":"x"}"#, #"{"a":"X","b":"xqx"}"#, #"{"a":["y","z"],"b":"q"}"#, #"{"a":""}"#, #"{"a":null}"#, "{}",
        ]
        let text = bodies.enumerated().map { number, body in
            let indented = body.split(separator: "\n").map { "    " + $0 }.joined(separator: "\n")
            return "title: r\(number)\nlogsource: {category: supply_chain}\ndetection:\n\(indented)\n"
        }.joined(separator: "---\n")
        let together = DetectionEngine(Samples.rules(text))
        for event in events {
            let alone = try bodies.enumerated().filter { _, body in
                try !Samples.matches(DetectionEngine(Samples.rule(body)), [kind], payload: event).isEmpty
            }
            let joined = try Samples.matches(together, [kind], payload: event).map(\.rule.title)
            #expect(Set(joined) == Set(alone.map { "r\($0.offset)" }), "\(event)")
        }
    }

    @Test("A file of events gives rule and position, and names lines that are no JSON")
    func eventFile() throws {
        let set = Samples.rule("s: {a: 1}\ncondition: s", source: "product: windows")
        let file = Array("{\"a\":1}\n\n{\"a\":2}\nbroken\n{\"a\":\"1\"}".utf8)
        let result = file.withUnsafeBytes { EventFileMatcher(set).match($0, ignoreLogsource: true) }
        #expect(result.matches.map(\.position) == [0, 3] && result.events == 4)
        #expect(result.unreadable.map(\.position) == [2])
    }
}
