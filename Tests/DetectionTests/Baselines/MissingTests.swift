import EventModel
import Testing

@testable import Detection

@Suite("What has to follow and does not")
struct MissingTests {
    private typealias Event = BaselineSamples.Event

    private static func rules(_ more: String = "") -> String {
        BaselineSamples.rule(
            "type: missing, per: resource.name, followed-by: answer, within: 10m, grace: 1m\(more)", title: "unanswered"
        )
            + """
            ---
            title: answer
            name: answer
            logsource: {category: supply_chain}
            detection: {s: {custody.action: answer}, condition: s}

            """
    }

    private func raised(_ rules: String, _ events: [Event]) throws -> [RuleMatch] {
        try BaselineSamples.matches(BaselineSamples.engine(rules), events)
    }

    private let tick = Event(seconds: 10_000, value: "other", action: "tick")

    @Test("Nothing follows: it is raised when the time and the grace are over, with the event that waited")
    func nothing() throws {
        let events = [
            Event(seconds: 0, value: "a"), Event(seconds: 659, action: "tick"), Event(seconds: 661, action: "tick"),
        ]
        let matches = try raised(Self.rules(), events)
        #expect(matches.map(\.rule.title) == ["unanswered"])
        #expect(matches.first?.index == LeafIndex(2) && matches.first?.evidence == [LeafIndex(0)])
        #expect(matches.first?.group.map(\.value) == ["a"])
        #expect(matches.first?.time == Timestamp(seconds: BaselineSamples.start))
    }

    @Test("What follows in time ends the wait, for its own subject only, and raises nothing by itself")
    func followed() throws {
        let answer = Event(seconds: 300, value: "a", action: "answer")
        #expect(try raised(Self.rules(), [Event(seconds: 0, value: "a"), answer, tick]).isEmpty)
        #expect(try raised(Self.rules(), [Event(seconds: 0, value: "b"), answer, tick]).count == 1)
        let late = Event(seconds: 601, value: "a", action: "answer")
        #expect(try raised(Self.rules(), [Event(seconds: 0, value: "a"), late, tick]).count == 1)
    }

    @Test("What came before counts as far back as `before` says")
    func before() throws {
        let events = [
            Event(seconds: 0, value: "a", action: "answer"), Event(seconds: 3_000, value: "a"),
            Event(seconds: 20_000, value: "z", action: "tick"),
        ]
        #expect(try raised(Self.rules(", before: 1h"), events).isEmpty)
        #expect(try raised(Self.rules(", before: 30m"), events).count == 1)
        #expect(try raised(Self.rules(), events).count == 1)
    }

    @Test("Events of long ago wait for what is received after them")
    func backfill() throws {
        let old: Int64 = -400 * BaselineSamples.day
        let events = [
            Event(seconds: old, value: "a", received: 0), Event(seconds: old, value: "b", received: 0),
            Event(seconds: old + 300, value: "a", action: "answer", received: 2), tick,
        ]
        #expect(try raised(Self.rules(), events).map { $0.group.map(\.value) } == [["b"]])
        // And for what came before them, received the minute before.
        let reversed = [
            Event(seconds: old, value: "a", action: "answer", received: 0),
            Event(seconds: old + 300, value: "a", received: 60), tick,
        ]
        #expect(try raised(Self.rules(", before: 1h"), reversed).isEmpty)
    }

    @Test("A rule that has to follow itself notices silence once, and again after it spoke")
    func silence() throws {
        let rules = BaselineSamples.rule("type: missing, per: actor.name, followed-by: itself, within: 1h, grace: 0s")
        var events = (0..<5).map { Event(seconds: Int64($0) * 3_000) }
        events += [Event(seconds: 12_000 + 3_601, action: "tick"), Event(seconds: 30_000, action: "tick")]
        #expect(try raised(rules, events).map(\.evidence) == [[LeafIndex(4)]])
        events += [Event(seconds: 31_000), Event(seconds: 40_000, action: "tick")]
        #expect(try raised(rules, events).map(\.evidence) == [[LeafIndex(4)], [LeafIndex(7)]])
    }

    @Test("A rule that nothing can follow is refused")
    func unresolved() {
        let set = Samples.rules(
            BaselineSamples.rule("type: missing, per: resource.name, followed-by: nobody, within: 10m"))
        #expect(set.rules.isEmpty && set.errors.count == 1)
    }
}
