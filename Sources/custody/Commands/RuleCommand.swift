import ArgumentParser
import Detection
import EventModel
import Foundation
import NIOHTTP1

/// `custody rule`.
struct RuleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rule",
        abstract: "Look at detection rules, add and test them, try them on files and on what is stored, silence them.",
        subcommands: [
            List.self, RuleAddCommand.self, Reload.self, RuleTestCommand.self, RuleMatchCommand.self,
            RuleBacktestCommand.self, RuleExplainCommand.self, RuleVersionsCommand.self, RuleSilenceCommand.self,
        ])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the rules in force, dormant ones (no source feeds them) and those that were refused.")

        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            try RuleCommand.write(try await server.client().call(.get, "/v1/rules"), output)
        }
    }

    struct Reload: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let the server read its rule directories again, and list what is in force then.")

        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            try RuleCommand.write(try await server.client().call(.post, "/v1/rules/reload"), output)
        }
    }

    private static func write(_ answer: [UInt8], _ output: OutputOptions) throws {
        let console = CommandContext.current.console
        try JSONDocument.read(answer) { json in
            if output.json {
                for rule in json["rules"].map({ Array($0.elements) }) ?? [] {
                    try console.writeOutput(JSONDocument.line(rule))
                }
            } else {
                try console.lines(table(json).lines(console))
            }
            for rule in json["rules"].map({ Array($0.elements) }) ?? [] where rule["memory"]?["saturated"]?.bool == true
            {
                console.note(
                    "warning: the memory of \(rule.text("id")) (\(rule.text("title"))) is full; it may miss things")
            }
            for (member, word) in [("refused", "refused"), ("warnings", "warning")] {
                for reason in json[member]?.elements.compactMap(\.scalarText) ?? [] {
                    console.note("\(word): \(reason)")
                }
            }
        }
    }

    private static func table(_ answer: JSONValue) -> TextTable {
        var table = TextTable([
            .init(title: "id"), .init(title: "severity", isRigid: true), .init(title: "state", isRigid: true),
            .init(title: "title"), .init(title: "file"),
        ])
        for rule in answer["rules"].map({ Array($0.elements) }) ?? [] {
            let state =
                rule["dormant"]?.bool == true ? "dormant" : rule["signal"]?.bool == true ? "signal" : "active"
            table.add([rule.text("id"), rule.text("severity"), state, rule.text("title"), rule.text("file")])
        }
        return table
    }
}

/// Reading rules from files and directories that were named on the command line.
enum RuleFiles {
    /// - Throws: ``CommandFailure`` `refused` after telling, as `FILE:LINE: reason`, of every rule that was refused.
    static func load(
        _ paths: [String], variables: [String: [String]] = [:], _ console: Console,
        onRefusal: (DetectionError) -> Void = { _ in }
    ) throws -> RuleSet {
        var set = RuleSet()
        for path in paths {
            do {
                set = set.adding(try load(path, variables))
            } catch let error as DetectionError {
                throw CommandFailure(.refused, error.description)
            }
        }
        for warning in set.warnings { console.note("warning: \(warning.description)") }
        guard set.errors.isEmpty else {
            for error in set.errors {
                onRefusal(error)
                console.note(error.description)
            }
            let count = set.errors.count
            throw CommandFailure(.refused, count == 1 ? "1 rule refused" : "\(count) rules refused")
        }
        return set
    }

    /// One file or directory, with what was refused in the set's errors.
    static func load(_ path: String, _ variables: [String: [String]]) throws -> RuleSet {
        let url = URL(fileURLWithPath: path)
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw DetectionError(.unreadable, "there is no such file", file: path)
        }
        if isDirectory.boolValue { return try RuleSet.load(url, variables: variables) }
        var set = RuleSet()
        guard let data = FileManager.default.contents(atPath: path) else {
            throw DetectionError(.unreadable, "the file cannot be read", file: path)
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw DetectionError(.malformedDocument, "not valid UTF-8", file: path)
        }
        set.add(text, file: path, variables: variables)
        return set
    }
}
