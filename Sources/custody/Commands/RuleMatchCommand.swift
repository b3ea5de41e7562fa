import ArgumentParser
import Detection
import EventModel
import Foundation

/// `custody rule match`.
struct RuleMatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "match",
        abstract: "Match rules against the events of a file; needs no server.",
        discussion: """
            One line for each match: the rule and the event's place in the file, from 0. Exit status 1: nothing matched; \
            65: a rule was refused, as FILE:LINE: reason.

            Examples:
              custody rule match rules/*.yml --events audit.ndjson
              custody rule match rule.yml --events audit.ndjson --ignore-logsource --json
            """)

    @Argument(help: ArgumentHelp("Rule files, or directories of them.", valueName: "rule.yml"))
    var rules: [String]
    @Option(help: ArgumentHelp("Events, one JSON document a line.", valueName: "file"))
    var events: String
    @Option(help: ArgumentHelp("Values of placeholders: JSON, name to list of values.", valueName: "file"))
    var vars: String?
    @Flag(help: "Try every rule on every event, wherever it comes from.")
    var ignoreLogsource = false
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let context = CommandContext.current
        let console = context.console
        let set = try RuleFiles.load(rules, variables: try RuleVariables.read(vars), console)
        guard let data = FileManager.default.contents(atPath: events == "-" ? "/dev/stdin" : events) else {
            throw CommandFailure(.refused, "\(events): cannot be read")
        }
        let matching = RuleMatching(rules: set, ignoresLogSource: ignoreLogsource, received: context.now())
        let result = data.withUnsafeBytes { matching.match($0) }
        try write(result, console)
        for line in result.unreadable { console.note("\(events): event \(line.position): \(line.reason)") }
        guard result.unreadable.isEmpty else {
            throw CommandFailure(.refused, "\(result.unreadable.count) of \(result.events) events cannot be read")
        }
        guard !result.matches.isEmpty else { throw CommandFailure(.nothingFound, nil) }
    }

    private func write(_ result: RuleMatching.Result, _ console: Console) throws {
        var table = TextTable([.init(title: "position", isNumber: true, isRigid: true), .init(title: "rule")])
        for match in result.matches {
            guard output.json else {
                table.add([String(match.position), match.rule])
                continue
            }
            var line = JSONObject()
            line.add("rule", match.rule)
            line.add("position", match.position)
            if let finding = match.finding {
                line.add("group", finding.group)
                line.add("time", finding.time.text)
            }
            try console.writeOutput(line.line)
        }
        if !output.json, !result.matches.isEmpty { try console.lines(table.lines(console)) }
    }
}

/// Values of placeholders from a file: JSON, name to list of values.
enum RuleVariables {
    /// - Throws: ``CommandFailure`` `refused`.
    static func read(_ path: String?) throws -> [String: [String]] {
        guard let path else { return [:] }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure(.refused, "\(path): cannot be read")
        }
        do {
            return try JSONDocument.read([UInt8](data)) { json in
                guard json.kind == .object else {
                    throw CommandFailure(.refused, "\(path): not a JSON object of name and list of values")
                }
                var variables: [String: [String]] = [:]
                for member in json.members {
                    let values = member.value.kind == .array ? Array(member.value.elements) : [member.value]
                    variables[member.key.text] = values.compactMap(\.scalarText)
                }
                return variables
            }
        } catch let error as EventModelError {
            throw CommandFailure(.refused, "\(path): \(error.reason)")
        }
    }
}
