import ArgumentParser
import EventModel
import Foundation
import NIOHTTP1

/// `custody rule backtest`.
struct RuleBacktestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backtest",
        abstract: "What a rule would have raised over stored events, against what it did raise.",
        discussion: """
            The rule is a file, or the id of a rule in force. Times are those of receipt. Exit status 1: it would have \
            raised nothing; 65: the rule is refused.

            Example:
              custody rule backtest draft.yml --since -90d
            """)

    @Argument(help: ArgumentHelp("A rule file, or a rule's id.", valueName: "rule")) var rule: String
    @Option(parsing: .unconditional, help: ArgumentHelp("The first events to look at.", valueName: "time"))
    var since = "-90d"
    @Option(parsing: .unconditional, help: ArgumentHelp("Events before this.", valueName: "time"))
    var until: String?
    @OptionGroup var output: OutputOptions
    @OptionGroup var server: ClientOptions

    func run() async throws {
        var body = JSONObject()
        try RuleText.add(rule, to: &body)
        body.add("since", since)
        body.add("until", until)
        let answer = try await server.client().call(.post, "/v1/rules/backtest", body: body.text)
        try JSONDocument.read(answer) { json in
            let console = CommandContext.current.console
            if output.json {
                try console.writeOutput(JSONDocument.line(json))
            } else {
                try write(json, console)
            }
            if json["complete"]?.bool == false {
                console.note(
                    "note: the time was over at event \(json.text("last_index")); give --until or a later --since")
            }
            guard json["matches"]?.int64 != 0 else { throw CommandFailure(.nothingFound, nil) }
        }
    }

    private func write(_ json: JSONValue, _ console: Console) throws {
        let columns = ResourceList([
            .init("kind"), .init("severity"), .init("first seen", "first_seen", isRigid: true),
            .init("last seen", "last_seen", isRigid: true), .init("count", isNumber: true, isRigid: true),
            .init("title"), .init("entity"),
        ])
        _ = try columns.write(json["alerts"], asJSON: false, to: console)
        try console.lines(
            [
                "",
                "\(json.text("events")) events in \(json.text("took_ms")) ms, \(json.text("evaluated")) of them read, "
                    + "\(json.text("matches")) matches",
                "would have raised   \(json.text("alert_count")) alerts, \(json.text("signal_count")) signals",
                "did raise           \(json.text("live_alert_count")) alerts",
                "evidence            \(json.text("evidence.both")) events in both, "
                    + "\(json.text("evidence.only_backtest")) only here, \(json.text("evidence.only_live")) only live",
            ].map { VisibleText.of($0) })
    }
}

/// `custody rule explain`.
struct RuleExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Why a rule matches a stored event, or does not. Exit status 1: it does not.")

    @Argument(help: ArgumentHelp("A rule file, or a rule's id.", valueName: "rule")) var rule: String
    @Argument(help: ArgumentHelp("The event.", valueName: "index")) var index: Int
    @OptionGroup var output: OutputOptions
    @OptionGroup var server: ClientOptions

    func run() async throws {
        var body = JSONObject()
        try RuleText.add(rule, to: &body)
        body.add("index", index)
        let answer = try await server.client().call(.post, "/v1/rules/explain", body: body.text)
        try JSONDocument.read(answer) { json in
            let console = CommandContext.current.console
            if output.json {
                try console.writeOutput(JSONDocument.line(json))
            } else {
                try write(json, console)
            }
            guard json["matches"]?.bool == true else { throw CommandFailure(.nothingFound, nil) }
        }
    }

    private func write(_ json: JSONValue, _ console: Console) throws {
        let verdict = json["matches"]?.bool == true ? "matches" : "does not match"
        try console.line(console.bold(VisibleText.of("\(json.text("title")): \(verdict) event \(index)")))
        if json["routed"]?.bool == false {
            try console.line("its log source does not cover the event's source")
        }
        if json["correlation"]?.bool == true {
            try console.line("it judges several events together; explain the rules that it refers to")
        }
        for line in json["predicates"].map({ Array($0.elements) }) ?? [] {
            let isAsWanted = line["holds"]?.bool != line["negated"]?.bool
            let mark = isAsWanted ? "ok  " : line["blocking"]?.bool == true ? "NO  " : "no  "
            let negation = line["negated"]?.bool == true ? "not: " : ""
            let here = Self.here(line["values"], isCut: line["values_cut"]?.bool == true)
            let other = line["compared_with"].map { ", there " + Self.here($0, isCut: false) } ?? ""
            try console.line(VisibleText.of("  \(mark)\(negation)\(line.text("text")); here \(here)\(other)"))
        }
    }

    /// What the event has, in a few words.
    private static func here(_ values: JSONValue?, isCut: Bool) -> String {
        let texts = values.map { $0.elements.compactMap { $0.string.map { "\"\($0.text)\"" } } } ?? []
        return texts.isEmpty ? "nothing" : texts.joined(separator: ", ") + (isCut ? " …" : "")
    }
}

/// A rule that the command line names by file or by id.
enum RuleText {
    static func add(_ rule: String, to body: inout JSONObject) throws {
        guard rule.hasSuffix(".yml") || rule.hasSuffix(".yaml") || rule.contains("/") else {
            return body.add("id", rule)
        }
        guard let data = FileManager.default.contents(atPath: rule) else {
            let isThere = FileManager.default.fileExists(atPath: rule)
            throw CommandFailure(.refused, "\(rule): \(isThere ? "cannot be read" : "there is no such file")")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw CommandFailure(.refused, "\(rule): not valid UTF-8")
        }
        body.add("rule", text)
    }
}
