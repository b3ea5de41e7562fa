import EventModel
import Foundation
import QueryLanguage
import Testing

@testable import EventStore

/// The twelve queries of the benchmark on twenty thousand generated events, against the generator's own answers.
@Suite(.enabled(if: BenchData.generator != nil), .serialized) struct BenchQueryTests {
    @Test("The twelve queries give the generator's answers")
    func twelve() async throws {
        let data = try BenchData.load(count: 20_000, seed: 7)
        let store = try SampleStore(data.samples, segmentRows: 6_000)
        let expect = data.expect
        func rows(_ name: String) async throws -> [[QueryValue]] {
            try await store.search(BenchData.query(name, data.params), until: "2100-01-01").rows
        }
        func matched(_ name: String) async throws -> Int {
            let result = try await store.search(BenchData.query(name, data.params), until: "2100-01-01")
            #expect(result.statistics.exact)
            return result.statistics.matched
        }
        func pairs(_ rows: [[QueryValue]]) -> [String: Int] {
            rows.reduce(into: [:]) { if case .integer(let count) = $1[1] { $0[$1[0].text ?? "-"] = Int(count) } }
        }
        func ordered(_ value: Any?) -> [[String]] {
            (value as? [[Any]] ?? []).map { $0.map { "\($0)" } }
        }
        for name in ["Q1", "Q2", "Q8"] { #expect(try await matched(name) == expect[name] as? Int, "\(name)") }
        #expect(try await rows("Q1").count == expect["Q1"] as? Int)
        for name in ["Q3", "Q9", "Q10"] {
            #expect(try await rows(name) == [[.integer(Int64(expect[name] as? Int ?? -1))]], "\(name)")
        }
        for name in ["Q4", "Q6"] {
            #expect(try await rows(name).map { $0.map { $0.text ?? "-" } } == ordered(expect[name]), "\(name)")
        }
        let hours = try await rows("Q5").map { row -> [String] in
            guard case .time(let start) = row[0] else { return [] }
            return ["\(start.seconds / 3_600)", row[1].text ?? "-"]
        }
        #expect(hours == ordered(expect["Q5"]))
        for name in ["Q7", "Q12"] { #expect(try await pairs(rows(name)) == expect[name] as? [String: Int], "\(name)") }
        let times = try await rows("Q11").compactMap {
            if case .time(let time) = $0[0] { Int(time.milliseconds) } else { nil }
        }
        #expect(times == expect["Q11"] as? [Int])
    }
}

/// The generator's events in its flat form, as the generic connector maps them.
enum BenchData {
    static let generator: URL? = {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let directory =
            ProcessInfo.processInfo.environment["CUSTODY_BENCH"].map { URL(filePath: $0) }
            ?? root.deletingLastPathComponent().appending(path: "shared/bench")
        let script = directory.appending(path: "gen_events.py")
        return FileManager.default.isReadableFile(atPath: script.path) ? script : nil
    }()

    struct Loaded {
        let samples: [Sample]
        let params: [String: Any]
        let expect: [String: Any]
    }

    static func load(count: Int, seed: Int) throws -> Loaded {
        let folder = FileManager.default.temporaryDirectory.appending(path: "custody-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (flat, manifest) = (folder.appending(path: "flat"), folder.appending(path: "manifest"))
        let command =
            "python3 '\(generator?.path ?? "")' --count \(count) --seed \(seed) --flat '\(flat.path)'"
            + " --manifest '\(manifest.path)' --workers 1 2> /dev/null"
        guard let pipe = popen(command, "r"), pclose(pipe) == 0 else { throw CocoaError(.fileReadUnknown) }
        let object = try JSONSerialization.jsonObject(with: Data(contentsOf: manifest)) as? [String: Any] ?? [:]
        let lines = try Data(contentsOf: flat).split(separator: UInt8(ascii: "\n"))
        return Loaded(
            samples: try lines.enumerated().map { try sample(UInt64($0), $1) },
            params: object["params"] as? [String: Any] ?? [:], expect: object["expect"] as? [String: Any] ?? [:])
    }

    private static let mapped: [(String, Field)] = [
        ("action", .action), ("actor", .actorName), ("actor_ip", .clientIP), ("resource", .resourceName),
        ("repo", .vcsRepo), ("outcome", .outcome), ("digest", .artifactDigest), ("user_agent", .clientAgent),
    ]

    private static func sample(_ index: UInt64, _ line: Data) throws -> Sample {
        let object = try JSONSerialization.jsonObject(with: line) as? [String: Any] ?? [:]
        var sample = Sample(
            index, object["time"] as? String ?? "", received: "2026-11-23T11:00:00Z",
            [(.sourceKind, "generic"), (.sourceName, "bench")])
        for (key, field) in mapped { if let value = object[key] as? String { sample.fields.append((field, [value])) } }
        sample.payload = String(decoding: line, as: UTF8.self)
        return sample
    }

    static func query(_ name: String, _ params: [String: Any]) -> String {
        let texts: [String: String] = [
            "Q1": "actor:=$actor time:$from_..$to | fields time,source,action,resource,outcome", "Q2": "$needle_digest",
            "Q3": "ip:$cidr | stats count", "Q4": "action:$action_prefix* | top 10 actor",
            "Q5": "repo:=$repo5 | timechart span=1h count",
            "Q6": "* | stats dcount(ip) as n by actor | sort -n,actor | limit 20",
            "Q7": "time:>=$last_day -outcome:=success | stats count by raw.source", "Q8": "*$substring*",
            "Q9": "raw.$exists:* | stats count",
            "Q10":
                "(raw.source:=github OR raw.source:=cloudtrail) -outcome:=success repo:=$repo10 -actor:=$not_actor | stats count",
            "Q11": "artifact:=$artifact | sort -time | limit 100 | fields time,source,action,actor,resource,outcome",
            "Q12": "* | stats count by raw.source",
        ]
        var text = texts[name] ?? ""
        for (key, value) in params.sorted(by: { $0.key.count > $1.key.count }) {
            text = text.replacingOccurrences(of: "$\(key)", with: "\(value)")
        }
        return text
    }
}
