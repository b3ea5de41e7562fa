// Runs `custody bench` and compares its figures with thresholds.json: a line for each, exit 1 when one is missed.
//
//     swift run CustodyBenchmarks [CUSTODY [THRESHOLDS]]

import Foundation

struct Threshold: Decodable {
    var min: Double?
    var max: Double?
    /// Another figure of the same run that the bounds are multiples of: what holds on every machine.
    var of: String?

    /// Nil when the figure that it is compared with is absent.
    func accepts(_ value: Double, _ measured: [String: Double]) -> Bool? {
        let unit = of.map { measured[$0] } ?? 1
        guard let unit else { return nil }
        return value >= (min ?? -.infinity) * unit && value <= (max ?? .infinity) * unit
    }

    var text: String {
        let bounds = [min.map { "at least \($0)" }, max.map { "at most \($0)" }].compactMap(\.self)
        return bounds.joined(separator: ", ") + (of.map { " times \($0)" } ?? "")
    }
}

struct Failure: Error, CustomStringConvertible {
    let description: String
}

/// The figures that a benchmark prints, by name: numbers, and texts that begin with one (`1.25 ms`).
func figures(of benchmark: String, custody: URL) throws -> [String: Double] {
    let process = Process()
    let output = Pipe()
    process.executableURL = custody
    process.arguments = ["bench", benchmark, "--json"]
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
        throw Failure(description: "custody bench \(benchmark) ended with \(process.terminationStatus)")
    }
    guard let read = try JSONSerialization.jsonObject(with: data) as? [String: Any] else {
        throw Failure(description: "custody bench \(benchmark) printed no JSON object")
    }
    if let build = read["build"] as? String, build != "release" {
        throw Failure(description: "\(custody.path) is no release build")
    }
    return read.compactMapValues { value in
        if let number = value as? NSNumber { return number.doubleValue }
        return (value as? String)?.split(separator: " ").first.flatMap { Double($0) }
    }
}

/// The threshold `*` stands for every search.
func rows(_ thresholds: [String: Threshold], _ measured: [String: Double]) -> [(name: String, Threshold)] {
    let facts: Set<String> = ["cores", "events", "processor", "system", "build"]
    return thresholds.sorted { $0.key < $1.key }.flatMap { name, threshold in
        guard name == "*" else { return [(name, threshold)] }
        return measured.keys.filter { !facts.contains($0) && thresholds[$0] == nil }.sorted().map { ($0, threshold) }
    }
}

func run() throws -> Bool {
    let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    let arguments = CommandLine.arguments.dropFirst().map { URL(fileURLWithPath: $0) }
    let custody = arguments.first ?? package.appendingPathComponent("../.build/release/custody").standardizedFileURL
    let file = arguments.count > 1 ? arguments[1] : package.appendingPathComponent("thresholds.json")
    let thresholds = try JSONDecoder().decode([String: [String: Threshold]].self, from: Data(contentsOf: file))
    var passes = true
    for (benchmark, wanted) in thresholds.sorted(by: { $0.key < $1.key }) {
        let measured = try figures(of: benchmark, custody: custody)
        let rows = rows(wanted, measured)
        guard !rows.isEmpty else { throw Failure(description: "nothing to compare in \(benchmark)") }
        for (name, threshold) in rows {
            let value = measured[name]
            let isGood = value.flatMap { threshold.accepts($0, measured) } ?? false
            passes = passes && isGood
            let shown = value.map { "\($0)" } ?? "absent"
            print("\(isGood ? "pass" : "FAIL")  \(benchmark)  \(name): \(shown) (\(threshold.text))")
        }
    }
    return passes
}

do {
    exit(try run() ? 0 : 1)
} catch {
    FileHandle.standardError.write(Data("benchmarks: \(error)\n".utf8))
    exit(1)
}
