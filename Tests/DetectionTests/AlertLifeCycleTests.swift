import EventModel
import GRDB
import Synchronization
import Testing

@testable import Detection

@Suite("Incidents, silences, signals and versions")
struct AlertLifeCycleTests {
    private final class Clock: Sendable {
        private let seconds = Mutex<Int64>(5_000)
        var now: Timestamp { Timestamp(seconds: seconds.withLock { $0 }) }
        func advance(_ by: Int64) { seconds.withLock { $0 += by } }
    }

    private let clock = Clock()

    private func store() throws -> AlertStore {
        let queue = try DatabaseQueue()
        var migrator = DatabaseMigrator()
        AlertSchema.registerMigrations(in: &migrator)
        try migrator.migrate(queue)
        let clock = clock
        return AlertStore(queue) { clock.now }
    }

    @discardableResult
    private func record(_ store: AlertStore, _ matches: RuleMatch...) throws -> [AlertTransition] {
        try store.record(matches, through: LeafIndex((matches.map(\.index.rawValue).max() ?? 0) + 1))
    }

    @Test("Alerts about one entity are one incident while they follow each other within a day, and another afterwards")
    func incidents() throws {
        let store = try store()
        try record(store, Samples.match("a", index: 0), Samples.match("b", index: 1, entity: "EVE", seconds: 80_000))
        try record(store, Samples.match("c", index: 2, entity: "bob"))
        try record(store, Samples.match("d", index: 3, seconds: 80_000 + 86_401))
        let page = try store.incidents()
        #expect(
            page.incidents.map(\.alertCount) == [1, 1, 2] && page.incidents.map(\.entity) == ["eve", "bob", "EVE"])
        let first = try #require(page.incidents.last)
        #expect(first.status == .open && first.count == 2)
        for alert in try store.incident(first.id).alerts {
            _ = try store.close(alert.id, verdict: .benign, comment: nil, by: "alice")
        }
        #expect(try store.incidents(openOnly: true).incidents.count == 2)
        #expect(try store.incident(first.id).incident.status == .closed)
        let second = try store.incidents(before: page.incidents[0].sequence, limit: 1)
        #expect(second.incidents.map(\.entity) == ["bob"] && second.next != nil)
        #expect(throws: DetectionError.self) { try store.incident("none") }
    }

    @Test("A silence records what it hides, counts it, and says what it would have hidden")
    func silences() throws {
        let store = try store()
        try record(store, Samples.match("r", index: 0), Samples.match("r", index: 1), Samples.match("s", index: 2))
        let scope = Silence.Scope(rule: "r", entity: "e?e")
        let preview = try store.preview(scope, since: Timestamp(seconds: 0))
        #expect(preview.alertCount == 1 && preview.matchCount == 2 && preview.alerts[0].ruleKey == "r")
        let silence = try store.addSilence(
            scope, reason: " known drill ", expires: clock.now.advanced(byNanoseconds: 60_000_000_000), by: "alice")
        #expect(silence.reason == "known drill" && silence.isActive(at: clock.now))
        let hidden = try record(store, Samples.match("r", index: 3), Samples.match("s", index: 4))
        #expect(hidden.map(\.silence) == [silence.id, nil])
        #expect(try store.alert(hidden[0].alert.id).count == 3)
        let told = try store.hidden(by: silence.id)
        #expect(told.count == 1 && told[0].count == 1 && told[0].alert.id == hidden[0].alert.id)
        clock.advance(61)
        #expect(try record(store, Samples.match("r", index: 5))[0].silence == nil)
        #expect(try store.silences().isEmpty && store.silences(includingEnded: true).count == 1)
        #expect(try store.silence(silence.id).hidden == 1)
    }

    @Test("An alert that was silent until now surfaces with the first match that no silence covers, once")
    func surfacing() throws {
        let store = try store()
        let silence = try store.addSilence(
            Silence.Scope(entity: "*"), reason: "quiet", expires: clock.now.advanced(byNanoseconds: 1_000_000_000_000),
            by: "alice")
        #expect(try record(store, Samples.match("r", index: 0))[0].kind == .opened)
        _ = try store.endSilence(silence.id, by: "bob")
        #expect(try store.silence(silence.id).endedBy == "bob")
        #expect(try record(store, Samples.match("r", index: 1))[0].kind == .surfaced)
        #expect(try record(store, Samples.match("r", index: 2))[0].kind == .repeated)
    }

    @Test("Silences of everything, without a reason, without an end or beyond a year are refused")
    func badSilences() throws {
        let store = try store()
        let later = clock.now.advanced(byNanoseconds: 1_000_000_000)
        func refuse(_ scope: Silence.Scope, _ reason: String, _ expires: Timestamp) {
            #expect(throws: DetectionError.self) {
                try store.addSilence(scope, reason: reason, expires: expires, by: "alice")
            }
        }
        refuse(Silence.Scope(), "r", later)
        refuse(Silence.Scope(maximumSeverity: "low"), "r", later)
        refuse(Silence.Scope(rule: "r", maximumSeverity: "bad"), "r", later)
        refuse(Silence.Scope(entity: ""), "r", later)
        refuse(Silence.Scope(rule: "r"), "  ", later)
        refuse(Silence.Scope(rule: "r"), "r", clock.now)
        refuse(Silence.Scope(rule: "r"), "r", clock.now.advanced(byNanoseconds: AlertStore.longestSilence + 1))
    }

    @Test("Comments stay with the alert in order, closed ones too; reopening takes the verdict back")
    func commentsAndReopening() throws {
        let store = try store()
        let id = try record(store, Samples.match("r", index: 0))[0].alert.id
        _ = try store.comment(id, "looks odd", by: "alice")
        _ = try store.close(id, verdict: .falsePositive, comment: "a drill", by: "bob")
        #expect(try store.comment(id, "was no drill", by: "alice").alert.status == .closed)
        let reopened = try store.reopen(id, reason: "was no drill", by: "alice")
        #expect(reopened.alert.status == .open && reopened.alert.verdict == nil)
        #expect(try record(store, Samples.match("r", index: 1)).map(\.kind) == [.repeated])
        let activity = try store.activity(of: id)
        #expect(activity.map(\.kind) == [.commented, .closed, .commented, .reopened])
        #expect(activity[1].detail == "false_positive: a drill" && activity[1].actor == "bob")
        #expect(throws: DetectionError.self) { try store.reopen(id, reason: nil, by: "alice") }
        _ = try store.close(id, verdict: .benign, comment: nil, by: "bob")
        try record(store, Samples.match("r", index: 2))
        #expect(throws: DetectionError.self) { try store.reopen(id, reason: nil, by: "alice") }
        #expect(throws: DetectionError.self) { try store.comment(id, "", by: "alice") }
    }

    @Test("An alert takes so many remarks and no more; it can always be closed")
    func remarkLimit() throws {
        let store = try store()
        let id = try record(store, Samples.match("r", index: 0))[0].alert.id
        for number in 0..<AlertStore.maximumActivity { _ = try store.comment(id, "\(number)", by: "alice") }
        #expect(throws: DetectionError.self) { try store.comment(id, "one more", by: "alice") }
        #expect(try store.close(id, verdict: .benign, comment: nil, by: "alice").alert.status == .closed)
    }

    @Test("A rule's texts are its versions, and an alert names the one that raised it")
    func versions() throws {
        let store = try store()
        let text =
            "id: 0b7f5a80-0000-4000-8000-000000000001\nlogsource: {category: supply_chain}\ndetection: {s: {a: 1}, condition: s}\n"
        let (one, two) = (Samples.rules("title: one\n" + text), Samples.rules("title: two\n" + text))
        try store.register(one.rules)
        clock.advance(10)
        try store.register(two.rules)
        try store.register(one.rules)
        let key = one.rules[0].key
        #expect(try store.versions(of: key).map(\.version) == [2, 1])
        #expect(try store.versions(of: key).map(\.hash) == [two.rules[0].hash, one.rules[0].hash])
        let match = RuleMatch(
            rule: two.rules[0], index: LeafIndex(0), time: Timestamp(seconds: 1), entity: "eve",
            group: [("entity", "eve")], explanation: [])
        #expect(try record(store, match)[0].alert.ruleVersion == 2)
    }

    @Test("Promoting a draft opens an alert beside its signal")
    func promotion() throws {
        let store = try store()
        let text =
            "title: t\nid: 0b7f5a80-0000-4000-8000-000000000002\nlogsource: {category: supply_chain}\ndetection: {s: {a: 1}, condition: s}\n"
        func match(_ rules: RuleSet, _ index: UInt64) -> RuleMatch {
            RuleMatch(
                rule: rules.rules[0], index: LeafIndex(index), time: Timestamp(seconds: 1), entity: "eve",
                group: [("entity", "eve")], explanation: [])
        }
        let draft = try record(store, match(Samples.rules("status: experimental\n" + text), 0))[0].alert
        let final = try record(store, match(Samples.rules("status: stable\n" + text), 1))[0].alert
        #expect(draft.kind == .signal && final.kind == .alert && draft.id != final.id)
        let quiet = Samples.rules("level: high\ncustody: {signal: true}\n" + text)
        #expect(quiet.rules.first?.raisesSignals == true)
        var filter = AlertFilter()
        filter.kind = .signal
        #expect(try store.list(filter).alerts.map(\.id) == [draft.id])
    }

    @Test("A rebuild leaves what silences hid as it was")
    func rebuildingSilenced() throws {
        let store = try store()
        let silence = try store.addSilence(
            Silence.Scope(rule: "r"), reason: "quiet", expires: clock.now.advanced(byNanoseconds: 60_000_000_000),
            by: "alice")
        let id = try record(store, Samples.match("r", index: 0), Samples.match("r", index: 1))[0].alert.id
        clock.advance(100)
        let before = try store.alert(id)
        try store.beginRebuild()
        try record(store, Samples.match("r", index: 0), Samples.match("r", index: 1))
        try store.finishRebuild()
        let after = try store.alert(id)
        #expect(after.silenced == 2 && after.count == before.count && after.incident == before.incident)
        #expect(try store.silence(silence.id).hidden == 2)
    }

    @Test(
        "Wildcards cover any text, ignoring case",
        arguments: [
            ("*", "", true), ("a*c", "AbbC", true), ("a*c", "abcd", false), ("?", "é", true), ("a?", "a", false),
            ("*a*b*", "xxaxxbxx", true), ("*a*b*", "xxbxxaxx", false), ("abc", "abc", true),
        ])
    func wildcards(pattern: String, value: String, isMatch: Bool) throws {
        #expect(try WildcardText(pattern).matches(value) == isMatch)
    }

    @Test("An explanation tells for every predicate whether it holds, and which one stands in the way")
    func explanation() throws {
        let set = Samples.rule("s: {a: 1, b: 2}\nf: {c: 3}\ncondition: s and not f")
        let sealed = Samples.sealed([(.sourceKind, "x")], payload: #"{"a":1,"b":9,"c":3}"#)
        try sealed.withUnsafeBytes { bytes in
            try JSONParser().withDocument(Array(#"{"a":1,"b":9,"c":3}"#.utf8)) { root in
                let explanation = RuleExplanation(set.rules[0], view: try SealedView(bytes), payload: root)
                #expect(!explanation.holds && explanation.isRouted)
                let lines = Dictionary(uniqueKeysWithValues: explanation.lines.map { ($0.text, $0) })
                #expect(lines[#"a is "1""#]?.isBlocking == false)
                #expect(lines[#"b is "2""#]?.isBlocking == true)
                #expect(lines[#"c is "3""#]?.isBlocking == true && lines[#"c is "3""#]?.isNegated == true)
            }
        }
    }
}
