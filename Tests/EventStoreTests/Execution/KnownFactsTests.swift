import AccessControl
import EventModel
import QueryLanguage
import Testing

@testable import EventStore

/// What is remembered of a segment is of all its rows; what is answered from it is of those that a reader may find.
@Suite struct KnownFactsTests {
    /// Few values in a small column and at a path, some of the events Custody's own.
    private static func samples(_ seed: UInt64) -> [Sample] {
        var numbers = SeededNumbers(seed: seed)
        return (1...200).map { number in
            let source = numbers.below(8) == 0 ? "custody" : numbers.pick(["one", "two"])
            var fields: [(Field, String)] = [
                (.sourceName, source), (.sourceKind, source), (.action, numbers.pick(["push", "pull", "merge"])),
            ]
            if numbers.below(4) > 0 { fields.append((.actorName, numbers.pick(["a", "b", "c"]))) }
            if numbers.below(4) == 0 { fields.append((.actorID, numbers.pick(["1", "a"]))) }
            if numbers.below(3) > 0 { fields.append((.clientIP, "10.0.0.\(numbers.below(5))")) }
            let member = numbers.pick([
                #""kind":"x""#, #""kind":"y""#, #""kind":["y","z"]"#, #""other":1"#, #""kind":7"#,
            ])
            return Sample(
                UInt64(number), RandomEvents.start.advanced(byNanoseconds: Int64(number) * 60_000_000_000).text, fields,
                payload: "{\(member)}")
        }
    }

    private static let queries = [
        "* | stats count by action", "* | stats count by raw.kind", "* | stats count", "* | top 3 action",
        "* | stats dcount(ip) as n by actor | sort -n,actor", "* | stats dcount(raw.kind) by action",
        "* | stats count by actor", "-action:push | stats count by raw.kind", "raw.kind:* | stats count by raw.kind",
        "* | stats dcount(action), count by raw.other", "* | rare 2 raw.kind",
        // Tests of all values of a column.
        "action:/^pu/ | stats count", "action:*e*g* | stats count", "source:/on/ | stats count by source.name",
        "action:/nothing/ | stats count", "actor:/^[ac]$/ | stats count by actor", "-action:/^pu/ | stats count",
    ]

    @Test("Which values pass a test is found once, and apart for each field and test")
    func testedValues() throws {
        let facts = DerivedFacts()
        let (one, other) = (FieldValueTest.Name("one"), FieldValueTest.Name("other"))
        var found = 0
        func isNone(_ field: Field, _ test: FieldValueTest.Name, _ codes: CodeSet) -> Bool {
            let codes = facts.codes(of: field, passing: test) {
                found += 1
                return codes
            }
            if case .none = codes { return true }
            return false
        }
        #expect(isNone(.action, one, .none))
        #expect(isNone(.action, one, .all))
        #expect(found == 1)
        #expect(!isNone(.action, other, .range(1...2)))
        #expect(!isNone(.actorName, one, .range(1...2)))
        #expect(found == 3)
        // A table would take as much room as the column has values.
        #expect(!isNone(.vcsRepo, one, .table([0, 1, 0, 1])))
        #expect(isNone(.vcsRepo, one, .none))
        #expect(found == 5)
        for number in 0..<DerivedFacts.testsOfSegment { _ = isNone(.outcome, .init("\(number)"), .none) }
        let before = found
        #expect(isNone(.outcome, .init("beyond"), .none))
        #expect(isNone(.outcome, .init("beyond"), .none))
        #expect(found == before + 2)
        #expect(isNone(.action, one, .all))
    }

    private static func changes() -> [(String, (inout SearchRequest) -> Void)] {
        [
            ("everything", { _ in }),
            ("without Custody's own", { $0.hidesOwnAudit = true }),
            ("one source", { $0.restriction = .field(.field(.sourceName), .exact("one")) }),
            ("nothing", { $0.restriction = .field(.field(.sourceName), .exact("none")) }),
            ("without actors", { $0.visibleGroups.remove(.actor) }),
            (
                "without the payload, of two sources",
                {
                    $0.visibleGroups.remove(.raw)
                    $0.restriction = .not(.field(.field(.sourceName), .exact("custody")))
                }
            ),
            ("since", { $0.since = moment("2026-11-01T01:30:00Z") }),
        ]
    }

    @Test("Counts are those of the rows that each reader may find, whoever asked before", arguments: 1...3)
    func readers(seed: UInt64) async throws {
        let samples = Self.samples(seed)
        let indexed = try SampleStore(samples, segmentRows: 64)
        let plain = try SampleStore(samples, segmentRows: 64, isIndexed: false)
        // Everybody asks twice: the second time much is known.
        for round in 0..<2 {
            for text in Self.queries {
                for (reader, change) in Self.changes() {
                    var request = try indexed.request(text)
                    change(&request)
                    let found = try await indexed.store.search(request, SearchOptions())
                    let expected = try await plain.store.search(request, SearchOptions())
                    #expect(found.rows == expected.rows, "\(reader): \(text), round \(round)")
                    #expect(found.statistics.matched == expected.statistics.matched, "\(reader): \(text)")
                }
            }
        }
    }

    @Test("Values offered are those of the rows that each reader may find")
    func values() async throws {
        let samples = Self.samples(9)
        let store = try SampleStore(samples, segmentRows: 64)
        for _ in 0..<2 {
            for (name, expected) in [("one", samples.filter { Self.source(of: $0) == "one" }), (nil, samples)] {
                var request = try store.request("action:*")
                request.restriction = name.map { .field(.field(.sourceName), .exact($0)) }
                let found = try await store.store.values(of: .field(.action), prefix: "pu", limit: 5, request)
                for entry in found.entries {
                    let count = expected.filter { $0.fields.contains { $0.0 == .action && $0.1 == [entry.value] } }
                        .count
                    #expect(entry.events == count)
                }
                #expect(Set(found.entries.map(\.value)) == ["push", "pull"])
            }
        }
    }

    private static func source(of sample: Sample) -> String? { sample.fields.first { $0.0 == .sourceName }?.1.first }
}
