import ArgumentParser
import EventModel
import Foundation
import NIOHTTP1

/// `custody rule add`.
struct RuleAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Give rules to the server: files, or directories such as a checkout of SigmaHQ's rules.",
        discussion: """
            The server keeps them below DATA/rules under their names, where a file of the same name is replaced, and puts \
            them in force. The report says which are active, which are dormant because no source feeds them, and which \
            were refused and why. Exit status 65: a rule was refused; the others are in force.

            Examples:
              custody rule add my-rule.yml
              custody rule add --check sigma/rules/cloud
            """)

    /// Bytes of text in one request: with what JSON adds, below what the server takes.
    private static let requestBytes = 400_000
    private static let requestFiles = 200

    @Argument(help: ArgumentHelp("Rule files, or directories of them.", valueName: "file|dir")) var paths: [String]
    @Flag(help: "Only report; nothing is kept.") var check = false
    @OptionGroup var output: OutputOptions
    @OptionGroup var server: ClientOptions

    func run() async throws {
        let console = CommandContext.current.console
        var report = Report()
        let places = try paths.flatMap(Self.places)
        guard !places.isEmpty else { throw CommandFailure(.nothingFound, "there are no .yml or .yaml files") }
        // One that cannot be read keeps no other from being added.
        let files = places.compactMap { place -> (name: String, text: String)? in
            switch Self.text(place.path) {
            case .success(let text): return (place.name, text)
            case .failure(let failure):
                report.refused.append("\(place.name): \(failure.reason)")
                return nil
            }
        }
        let client = try server.client()
        let batches = files.isEmpty ? [] : Self.batches(of: files)
        for (number, batch) in batches.enumerated() {
            var body = JSONObject()
            body.add("files", raw: batch)
            body.add("check", check)
            body.add("reload", number == batches.count - 1)
            let answer = try await client.call(.post, "/v1/rules", body: body.text)
            try JSONDocument.read(answer) { try report.add($0, asJSON: output.json, to: console) }
        }
        for reason in report.refused { console.note("refused: \(reason)") }
        console.note(
            "\(places.count) files: \(report.active) rules active, \(report.signals) of them recorded as signals only, "
                + "\(report.dormant) dormant, \(report.refused.count) refused")
        guard report.refused.isEmpty else {
            throw CommandFailure(
                .refused, report.refused.count == 1 ? "1 rule refused" : "\(report.refused.count) rules refused")
        }
    }

    private struct Report {
        var active = 0
        var signals = 0
        var dormant = 0
        var refused: [String] = []

        mutating func add(_ json: JSONValue, asJSON: Bool, to console: Console) throws {
            for rule in json["rules"].map({ Array($0.elements) }) ?? [] {
                let isDormant = rule["dormant"]?.bool == true
                if isDormant { dormant += 1 } else { active += 1 }
                if !isDormant, rule["signal"]?.bool == true { signals += 1 }
                if asJSON { try console.writeOutput(JSONDocument.line(rule)) }
                if isDormant, !asJSON {
                    try console.line(
                        VisibleText.of(
                            "dormant: \(rule.text("file")): \(rule.text("title")) (\(rule.text("logsource")))"))
                }
            }
            refused += json["refused"].map { $0.elements.compactMap(\.scalarText) } ?? []
        }
    }

    private static func batches(of files: [(name: String, text: String)]) -> [[UInt8]] {
        var batches: [[UInt8]] = []
        var (batch, count, bytes) = ([UInt8](), 0, 0)
        func object(_ file: (name: String, text: String)) -> [UInt8] {
            var object = JSONObject()
            object.add("name", file.name)
            object.add("text", file.text)
            return object.text
        }
        for file in files {
            if count > 0, count == requestFiles || bytes + file.text.utf8.count > requestBytes {
                batches.append([UInt8(ascii: "[")] + batch + [UInt8(ascii: "]")])
                (batch, count, bytes) = ([], 0, 0)
            }
            if count > 0 { batch.append(UInt8(ascii: ",")) }
            batch += object(file)
            count += 1
            bytes += file.text.utf8.count
        }
        batches.append([UInt8(ascii: "[")] + batch + [UInt8(ascii: "]")])
        return batches
    }

    /// The files of a path under the names that the server is to keep them by: relative to the directory that was named.
    private static func places(_ path: String) throws -> [(name: String, path: String)] {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw CommandFailure(.refused, "\(path): there is no such file")
        }
        let url = URL(fileURLWithPath: path).standardizedFileURL
        guard isDirectory.boolValue else { return [(url.lastPathComponent, path)] }
        guard let walk = FileManager.default.enumerator(atPath: url.path) else {
            throw CommandFailure(.refused, "\(path): cannot be listed")
        }
        var names: [String] = []
        for case let name as String in walk where name.hasSuffix(".yml") || name.hasSuffix(".yaml") {
            // Tests, schemas and workflows of a checkout are in directories that begin with a dot.
            if !name.split(separator: "/").contains(where: { $0.hasPrefix(".") }) { names.append(name) }
        }
        return names.sorted().map { ("\(url.lastPathComponent)/\($0)", url.appendingPathComponent($0).path) }
    }

    private struct Unreadable: Error { let reason: String }

    private static func text(_ path: String) -> Result<String, Unreadable> {
        guard let data = FileManager.default.contents(atPath: path) else {
            return .failure(Unreadable(reason: "cannot be read"))
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            return .failure(Unreadable(reason: "not valid UTF-8"))
        }
        return .success(text)
    }
}

/// `custody rule versions`.
struct RuleVersionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "versions", abstract: "The texts that a rule has had, by hash, the newest first.")

    @Argument(help: "The rule's id.") var id: String
    @OptionGroup var output: OutputOptions
    @OptionGroup var server: ClientOptions

    func run() async throws {
        let client = try server.client()
        let answer = try await client.call(.get, "/v1/rules/\(ServerAddress.encoded(id))/versions")
        let columns = ResourceList([
            .init("version", isNumber: true, isRigid: true), .init("first loaded", "first_loaded", isRigid: true),
            .init("sha256"), .init("title"),
        ])
        try JSONDocument.read(answer) { json in
            _ = try columns.write(json["versions"], asJSON: output.json, to: CommandContext.current.console)
        }
    }
}
