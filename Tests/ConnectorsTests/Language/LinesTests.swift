import Foundation
import Testing

@testable import Connectors

@Suite("Lines of text and connectors that are like others")
struct LinesTests {
    private static let gate = """
        name: gate
        version: 1
        lines:
          head: '^(?P<time>\\S+) gate\\[\\d+\\]: '
          forms:
            - match: '(?P<who>\\w+) opened (?P<door>.+)$'
              is: {verb: open}
            - match: 'refused (?P<who>\\w+) at ([a-z]+)(?: saying (?P<why>.*))?$'
              is: {verb: refuse}
        event: verb
        fields:
          time: time
          action: "gate.{verb}"
          actor.name: who
          resource.name: door
          outcome: {from: verb, map: {open: success, refuse: denied}}
          outcome_reason: why
        """

    private func catalogue(_ text: String = gate) throws -> ConnectorCatalogue {
        let added = try ConnectorFile.compile(text, file: "gate.yaml")
        return try ConnectorCatalogue(ConnectorCatalogue.builtIn.connectors + [added])
    }

    @Test("Groups and constants of the form that fits become fields; the payload stays the line")
    func forms() throws {
        let body = """
            2026-03-02T09:00:00Z gate[7]: wren opened "the \\ north" door
            2026-03-02T09:00:01Z gate[7]: refused sam at dusk saying too late

            """
        let result = try ReadResult.reading(body, connector: "gate", catalogue: try catalogue())
        #expect(result.refusals.isEmpty)
        #expect(result.events.map { $0.text("action") } == ["gate.open", "gate.refuse"])
        #expect(result.events.map { $0.text("actor.name") } == ["wren", "sam"])
        #expect(result.events[0].text("resource.name") == "\"the \\ north\" door")
        #expect(result.events[1].text("outcome_reason") == "too late")
        #expect(result.events[1].text("outcome") == "denied")
        #expect(result.payloads[0] == "2026-03-02T09:00:00Z gate[7]: wren opened \"the \\ north\" door")
    }

    @Test("A line of no known form is kept and says so; recognition leaves it to generic")
    func unknown() throws {
        let catalogue = try catalogue()
        let known = try ReadResult.reading("nothing of the kind\n", connector: "gate", catalogue: catalogue)
        #expect(known.connectors == ["gate"])
        let warnings = (known.events[0]["norm"] as? [String: Any])?["warnings"] as? [String]
        #expect(warnings == ["the line has none of the forms that gate knows"])
        let auto = try ReadResult.reading("nothing of the kind\n", connector: nil, catalogue: catalogue)
        #expect(auto.connectors == ["generic"])
        let recognised = try ReadResult.reading(
            "2026-03-02T09:00:00Z gate[7]: wren opened it\n", connector: nil, catalogue: catalogue)
        #expect(recognised.connectors == ["gate"])
    }

    @Test("Group names are read past escapes, classes and groups without a name")
    func groupNames() {
        let names = LinePattern.groupNames(of: #"^\((?P<a>[()\]]+)\) (x)(?:y|(?P<b>z)) [](](?i)(?P<c>.)"#)
        #expect(names == ["a", nil, "b", "c"])
    }

    @Test(
        "Mistakes in lines are refused with their line",
        arguments: [
            ("name: x\nversion: 1\nlines:\n  - '('\n", "not an RE2 expression"),
            ("name: x\nversion: 1\nlines:\n  - '(?P<a>.)(?P<a>.)'\n", "two members are named a"),
            ("name: x\nversion: 1\nlines:\n  - {match: '(?P<a>.)', is: {a: b}}\n", "two members are named a"),
            ("name: x\nversion: 1\nlines:\n  - {is: {a: b}}\n", "needs an expression"),
            ("name: x\nversion: 1\nlines:\n  - {match: 'a', is: {'a.b': c}}\n", "is no name"),
            ("name: x\nversion: 1\nlines:\n  {head: a}\n", "lines need forms"),
            ("name: x\nversion: 1\nlike: nobody\n", "no built-in connector"),
            ("name: x\nversion: 1\nlike: gogs-webhook\n", "is itself like another"),
        ])
    func mistakes(_ text: String, _ reason: String) {
        let error = #expect(throws: ConnectorError.self) { try ConnectorFile.compile(text, file: "x.yaml") }
        #expect(error?.reason.contains(reason) == true)
        #expect(error?.line != nil)
    }

    @Test("More forms than the limit are refused")
    func limit() {
        let forms = (0...LinesParser.maximumPatterns).map { "  - 'a\($0)'\n" }.joined()
        let error = #expect(throws: ConnectorError.self) {
            try ConnectorFile.compile("name: x\nversion: 1\nlines:\n\(forms)", file: "x.yaml")
        }
        #expect(error?.reason.contains("more than \(LinesParser.maximumPatterns)") == true)
    }

    @Test("A connector that is like another takes over what it does not say itself")
    func like() throws {
        let catalogue = try catalogue(
            "name: mine\nversion: 3\nlike: docker-hub-webhook\nfields: {action: =mine.push}\n")
        let result = try ReadResult.reading(
            #"{"push_data":{"tag":"1"},"repository":{"repo_name":"a/b"}}"#, connector: "mine", catalogue: catalogue)
        #expect(result.events[0].text("action") == "mine.push")
        #expect(result.events[0].text("norm.version") == "mine/3")
        #expect((result.events[0]["artifact"] as? [[String: Any]])?.first?["name"] as? String == "docker.io/a/b")
    }
}
