import EventModel
import Testing

@testable import Detection

@Suite("Rules that are queries")
struct QueryRuleTests {
    private let kind = (Field.sourceKind, "github-audit-log")

    private func rules(_ body: String) -> RuleSet { Samples.rules("title: q\nlevel: high\n\(body)\n") }

    @Test("A query finds what the search box would find")
    func matching() throws {
        let engine = DetectionEngine(rules("query: 'outcome:denied action:secret.* -actor:svc-*'"))
        let event = [kind, (Field.action, "secret.read"), (.actorName, "eve"), (.outcome, "denied")]
        let matches = try Samples.matches(engine, event)
        #expect(matches.count == 1 && matches[0].explanation[0].hasPrefix("the event meets the query "))
        #expect(
            try Samples.matches(engine, [kind, (.action, "secret.read"), (.actorName, "svc-ci"), (.outcome, "denied")])
                .isEmpty)
        let raw = DetectionEngine(rules("query: 'raw.spec.hostNetwork:true'"))
        #expect(try Samples.matches(raw, [kind], payload: #"{"spec":{"hostNetwork":true}}"#).count == 1)
    }

    @Test("Custody's own events are seen by queries alone that name them")
    func ownEvents() throws {
        let own = (Field.sourceKind, "custody")
        #expect(try Samples.matches(DetectionEngine(rules("query: 'action:x'")), [own, (.action, "x")]).isEmpty)
        #expect(
            try Samples.matches(DetectionEngine(rules("query: 'source:custody action:x'")), [own, (.action, "x")]).count
                == 1)
    }

    @Test("A threshold counts in a window, by the rule's group, events or different values")
    func threshold() throws {
        let engine = DetectionEngine(
            rules("query: {text: 'action:x', threshold: 3, window: 10m}\ncustody: {group: [actor.name]}"))
        func event(_ actor: String, _ minute: Int, _ repo: String = "r") throws -> [RuleMatch] {
            let time = "2026-11-24T03:0\(minute):00Z"
            return try Samples.matches(
                engine,
                [
                    kind, (.action, "x"), (.actorName, actor), (.vcsRepo, repo), (.time, time),
                    (.received, "2026-11-24T04:00:00Z"),
                ], index: UInt64(minute))
        }
        #expect(try event("eve", 0).isEmpty && event("bob", 1).isEmpty && event("eve", 2).isEmpty)
        let matches = try event("EVE", 3)
        #expect(matches.map { $0.group.map(\.value) } == [["EVE"]] && matches[0].rule.severity == .high)
        #expect(matches[0].evidence.map(\.rawValue) == [0, 2, 3])
    }

    @Test(
        "What is no query for a rule is refused with its line",
        arguments: [
            ("query: 'action:('", "rules.yml:3: the query is refused"),
            ("query: 'action:x | stats count'", "rules.yml:3: a rule's query has no stages"),
            ("query: 'time:>-1h'", "rules.yml:3: a rule's query names no time"),
            ("query: {text: 'a', threshold: 3}", "rules.yml:3: a threshold needs a window"),
            ("query: {text: 'a', window: 3m}", "rules.yml:3: `window` needs a threshold"),
            ("query: {text: 'a', threshold: 0, window: 3m}", "rules.yml:3: the threshold is a whole number"),
            ("query: {text: 'a', every: 3m}", "rules.yml:3: `every` is not a part of a query"),
            ("query: {threshold: 3, window: 3m}", "rules.yml:3: the query has no text"),
        ])
    func faults(body: String, reason: String) {
        let set = rules(body)
        #expect(set.errors.first?.description.hasPrefix(reason) == true, "\(set.errors)")
    }
}
