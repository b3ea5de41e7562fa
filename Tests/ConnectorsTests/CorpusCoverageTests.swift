import Connectors
import EventModel
import Foundation
import Testing

/// Whether events say who, what and when wherever their payload does; over payloads that nobody on this project wrote.
@Suite(.enabled(if: Corpus.isPresent)) struct CorpusCoverageTests {
    private static let catalogue = Set(ConnectorCatalogue.builtIn.connectors.map(\.name))

    /// Formats of protocols, whose readers take them apart before a connector sees an event.
    private static let protocols: Set<String> = ["elasticsearch-bulk", "otlp-logs-json"]

    private struct File {
        let path: String
        let source: String
    }

    private static func files() throws -> [File] {
        try Corpus.lines("index.jsonl").compactMap { line in
            guard let file = line["file"] as? String, let source = line["source"] as? String else { return nil }
            return File(path: file, source: source)
        }
    }

    @Test("The corpus has no kind of source that the catalogue lacks, but for formats of protocols")
    func kinds() throws {
        let strangers = Set(try Self.files().map(\.source)).subtracting(Self.catalogue).subtracting(Self.protocols)
        #expect(strangers.isEmpty, "\(strangers.sorted()): read by generic alone")
    }

    @Test("No event of a known kind lacks who, what or when where its payload tells it")
    func everyKind() throws {
        var found: [(path: String, lack: String)] = []
        for file in try Self.files() where Self.catalogue.contains(file.source) {
            let bytes = try Corpus.bytes(file.path)
            let result = try ReadResult.reading(bytes, connector: file.source)
            for event in result.events {
                found += Self.lacks(event, payload: bytes).map { (path: file.path, lack: $0) }
            }
        }
        let missing = found.filter { !PayloadClues.isExempt($0.path, $0.lack) }.map { "\($0.path): \($0.lack)" }
        #expect(missing.isEmpty, "\(missing.count):\n\(missing.prefix(60).joined(separator: "\n"))")
        let unused = PayloadClues.unused(found)
        #expect(unused.isEmpty, "\(unused)")
    }

    @Test("Generic reads nearly every JSON object that bears conventional names: who, what and when")
    func generic() throws {
        var told: [String: Int] = [:]
        var read: [String: Int] = [:]
        var examples: [String: [String]] = [:]
        for file in try Self.files() {
            let bytes = try Corpus.bytes(file.path)
            guard let clues = PayloadClues(conventional: bytes) else { continue }
            let result = try ReadResult.reading(bytes, connector: "generic")
            guard result.events.count == 1, let event = result.events.first else { continue }
            for (name, isThere, isRead) in [
                ("actor", clues.actor != nil, event["actor"] != nil),
                ("action", clues.action != nil, event["action"] != nil),
                ("time", clues.time != nil, event["time"] != nil),
            ] where isThere {
                told[name, default: 0] += 1
                if isRead { read[name, default: 0] += 1 } else { examples[name, default: []].append(file.path) }
            }
        }
        for name in ["actor", "action", "time"] {
            let (told, read) = (told[name] ?? 0, read[name] ?? 0)
            #expect(told > 50, "\(name): \(told)")
            #expect(read * 100 >= told * 98, "\(name): \(read) of \(told); \(examples[name]?.prefix(20) ?? [])")
        }
    }

    @Test("At least 95 of 100 expectations are met by whatever connector the events are recognised as")
    func expectationsByShape() throws {
        var met = 0
        var all = 0
        var misses: [String] = []
        for line in try Corpus.lines("expected.jsonl") {
            let file = try #require(line["file"] as? String)
            let result = try ReadResult.reading(try Corpus.bytes(file), connector: nil)
            if result.refusals.first?.code == .duplicateKey { continue }
            all += 1
            let lacks = result.events.map { CorpusTests.misses(of: $0, line) }
            if lacks.contains(where: \.isEmpty) { met += 1 } else { misses.append("\(file): \(lacks.first ?? [])") }
        }
        #expect(met * 100 >= all * 95, "\(met) of \(all): \(misses.prefix(20))")
    }

    /// What an event does not say.
    private static func lacks(_ event: [String: Any], payload: [UInt8]) -> [String] {
        let clues = PayloadClues(payload)
        var lacks: [String] = []
        // A line of text that says nothing of what was done has no form, which is a lack unless it is known.
        if event["action"] == nil, clues.action != nil || !clues.isJSON { lacks.append("action") }
        if event["actor"] == nil, let clue = clues.actor { lacks.append("actor, which is at \(clue)") }
        if event["time"] == nil, let clue = clues.time { lacks.append("time, which is at \(clue)") }
        return lacks
    }
}
