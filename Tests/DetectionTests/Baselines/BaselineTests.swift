import EventModel
import Testing

@testable import Detection

@Suite("Baselines")
struct BaselineTests {
    private typealias Event = BaselineSamples.Event
    private let day = BaselineSamples.day

    private func raised(_ baseline: String, _ events: [Event]) throws -> [UInt64] {
        try BaselineSamples.matches(BaselineSamples.engine(BaselineSamples.rule(baseline)), events)
            .filter { !$0.isLearning }.map(\.index.rawValue)
    }

    private static let network = "type: first-seen, per: actor.name, of: client.ip|network, learn: 10d, settled: 5"

    @Test("A value that a settled subject has not had is first seen; addresses of a known network are not")
    func firstSeen() throws {
        let usual = (0..<20).map { Event(seconds: Int64($0) * day, ip: "10.0.0.\($0)") }
        #expect(try raised(Self.network, usual + [Event(seconds: 21 * day, ip: "10.0.0.200")]).isEmpty)
        #expect(try raised(Self.network, usual + [Event(seconds: 21 * day, ip: "10.0.1.1")]) == [20])
        #expect(try raised(Self.network, usual + [Event(seconds: 21 * day, actor: "new", ip: "10.0.1.1")]).isEmpty)
        let later = usual + [Event(seconds: 120 * day, ip: "10.0.0.9")]
        #expect(try raised(Self.network, later) == [20])
        let six = (0..<20).map { Event(seconds: Int64($0) * day, ip: "2001:db8::\($0)") }
        #expect(try raised(Self.network, six + [Event(seconds: 21 * day, ip: "2001:db8::9:1")]).isEmpty)
        #expect(try raised(Self.network, six + [Event(seconds: 21 * day, ip: "2001:db8:1::1")]) == [20])
    }

    @Test("In the learning period findings are marked, and learned all the same")
    func learning() throws {
        let engine = BaselineSamples.engine(BaselineSamples.rule(Self.network))
        let usual = (0..<6).map { Event(seconds: Int64($0), ip: "10.0.0.1") }
        let matches = try BaselineSamples.matches(
            engine, usual + [Event(seconds: day, ip: "10.0.1.1"), Event(seconds: 30 * day, ip: "10.0.1.2")])
        #expect(matches.map(\.isLearning) == [true] && matches[0].index == LeafIndex(6))
    }

    @Test(
        "What raised is not learned: it goes on for an hour as evidence, is then silent, and raises again after `repeat`"
    )
    func neverLearned() throws {
        let usual = (0..<20).map { Event(seconds: Int64($0) * day, ip: "10.0.0.1") }
        let first = 21 * day
        let strange = [0, 600, 7_200, 10 * day, 31 * day].map { Event(seconds: first + $0, ip: "10.0.1.1") }
        #expect(try raised(Self.network, usual + strange) == [20, 21, 24])
    }

    @Test("What another rule of severity medium raised is not learned, what one of severity low raised is")
    func poisoning() throws {
        for (level, expected) in [("medium", [UInt64(20)]), ("low", [])] {
            let other =
                "---\ntitle: other\nlevel: \(level)\nlogsource: {category: supply_chain}\n"
                + "detection: {s: {custody.client.ip: 10.0.1.1}, condition: s}\n"
            let engine = BaselineSamples.engine(BaselineSamples.rule(Self.network) + other)
            let usual = (0..<19).map { Event(seconds: Int64($0) * day / 4, ip: "10.0.0.1") }
            // In the learning period, when everything else is learned.
            let poison = Event(seconds: 5 * day, ip: "10.0.1.1")
            let matches = try BaselineSamples.matches(
                engine, usual + [poison, Event(seconds: 21 * day, ip: "10.0.1.2")])
            #expect(matches.filter { $0.rule.title == "sample" && !$0.isLearning }.map(\.index.rawValue) == expected)
        }
    }

    @Test("A rare value is one that the subject has had at most so often among many")
    func rare() throws {
        let baseline = "type: rare, per: actor.name, of: resource.name, at-most: 1, settled: 30, learn: 0s"
        let usual = (0..<40).map { Event(seconds: Int64($0), value: "a\($0 % 2)") } + [Event(seconds: 50, value: "b")]
        let events = usual + [Event(seconds: 60, value: "a0"), Event(seconds: 70, value: "c")]
        #expect(try raised(baseline, events) == [40, 42])
    }

    @Test("A burst is more than a number and more than is usual; what bursts is not usual afterwards")
    func burst() throws {
        let baseline = "type: burst, per: actor.name, within: 1m, more-than: 10, deviations: 4, learn: 0s"
        var events: [Event] = []
        // Two hours of about eight events a minute.
        for minute in 0..<120 {
            for number in 0..<(7 + minute % 3) { events.append(Event(seconds: Int64(minute * 60 + number))) }
        }
        #expect(try raised(baseline, events).isEmpty)
        let flood = (0..<60).map { Event(seconds: 7_200 + Int64($0) / 2) }
        let found = try raised(baseline, events + flood)
        let first = try #require(found.first)
        #expect((events.count + 10...events.count + 13).contains(Int(first)))
        #expect(found.count == events.count + 60 - Int(first))
        // The same again an hour later is as unusual as before.
        let again = (0..<60).map { Event(seconds: 10_800 + Int64($0) / 2) }
        #expect(try raised(baseline, events + flood + again).contains(UInt64(events.count + 60 + 20)))
    }

    @Test("Distinct values count within the trailing window, and all of them are evidence")
    func distinct() throws {
        let baseline = "type: distinct-burst, per: actor.name, of: resource.name, within: 10m, more-than: 3, learn: 0s"
        let spread = (0..<8).map { Event(seconds: Int64($0) * 300, value: "s\($0)") }
        #expect(try raised(baseline, spread).isEmpty)
        let engine = BaselineSamples.engine(BaselineSamples.rule(baseline))
        let dense = (0..<5).map { Event(seconds: Int64($0) * 60, value: "s\($0)") }
        let matches = try BaselineSamples.matches(engine, dense)
        #expect(matches.map(\.index.rawValue) == [3, 4])
        #expect(matches[0].evidence.map(\.rawValue) == [0, 1, 2, 3] && matches[1].evidence.map(\.rawValue) == [4])
        #expect(try raised(baseline, (0..<9).map { Event(seconds: Int64($0), value: "s\($0 % 3)") }).isEmpty)
    }

    @Test("A dormant subject acts again; one that was never seen is not dormant")
    func dormant() throws {
        let baseline = "type: dormant, per: actor.name, after: 60d, learn: 0s"
        let events = [
            Event(seconds: 0), Event(seconds: 59 * day), Event(seconds: 59 * day, actor: "new"),
            Event(seconds: 119 * day), Event(seconds: 119 * day + 5),
        ]
        #expect(try raised(baseline, events) == [3])
    }

    @Test("A changed value is one that differs from all that the subject is known to have")
    func changed() throws {
        let baseline = "type: changed, per: actor.name, of: resource.name"
        let events = ["a", "a", "b", "a"].enumerated().map { Event(seconds: Int64($0) * day, value: $1) }
        #expect(try raised(baseline, events) == [2])
    }

    @Test("Values of lists go together one by one")
    func lists() throws {
        let rule = """
            title: pairs
            logsource: {category: supply_chain}
            detection: {s: {a.purl|exists: true}, condition: s}
            custody: {baseline: {type: changed, per: a.purl, of: a.digest}}

            """
        let engine = DetectionEngine(Samples.rules(rule))
        func event(_ pairs: [(String, String)], _ index: UInt64) throws -> [RuleMatch] {
            let list = pairs.map { #"{"purl":"\#($0)","digest":"\#($1)"}"# }.joined(separator: ",")
            return try Samples.matches(
                engine, [(.sourceKind, "generic")], payload: #"{"a":[\#(list)]}"#, index: index)
        }
        #expect(try event([("x@1", "aa"), ("y@1", "bb")], 0).isEmpty)
        #expect(try event([("y@1", "bb"), ("x@1", "aa")], 1).isEmpty)
        let matches = try event([("x@1", "bb"), ("y@1", "bb")], 2)
        #expect(matches.count == 1 && matches[0].group.map(\.value) == ["x@1", "bb"])
    }

    @Test("Explanations hold no values of events")
    func explanations() throws {
        let usual = (0..<20).map { Event(seconds: Int64($0) * day, ip: "10.0.0.1") }
        let matches = try BaselineSamples.matches(
            BaselineSamples.engine(BaselineSamples.rule(Self.network)),
            usual + [Event(seconds: 21 * day, ip: "203.0.113.9")])
        let match = try #require(matches.first)
        #expect(match.group.map(\.value) == ["ada", "203.0.113.0/24"] && match.entity == "ada")
        #expect(match.explanation == ["client.ip not seen before for this actor.name, after 20 events that are usual"])
    }
}
