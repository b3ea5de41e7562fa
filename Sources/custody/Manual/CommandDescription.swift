import Foundation

/// What a command says of itself: the part of the argument parser's own description (`--experimental-dump-help`, version 0)
/// that a manual page shows.
struct CommandDescription: Decodable, Equatable {
    struct Argument: Decodable, Equatable {
        struct Name: Decodable, Equatable {
            var kind: String
            var name: String

            /// As it is typed: `--data`, `-o`.
            var typed: String { (kind == "long" ? "--" : "-") + name }
        }

        var kind: String
        var shouldDisplay: Bool
        var isOptional: Bool
        var isRepeating: Bool
        var names: [Name]?
        var valueName: String?
        var defaultValue: String?
        var abstract: String?
        var discussion: String?
    }

    var commandName: String
    var shouldDisplay: Bool
    var abstract: String?
    var discussion: String?
    var subcommands: [CommandDescription]?
    var arguments: [Argument]?

    private struct Tool: Decodable {
        var command: CommandDescription
    }

    /// - Throws: `DecodingError` when the parser describes commands in another way than version 0.
    init(dump: String) throws {
        self = try JSONDecoder().decode(Tool.self, from: Data(dump.utf8)).command
    }

    /// The subcommands that are shown; `help` is the parser's and in every page's text already.
    var visibleSubcommands: [CommandDescription] {
        (subcommands ?? []).filter { $0.shouldDisplay && $0.commandName != "help" }
    }

    /// The arguments that are shown, without `--help` and `--version`, which every command has.
    var visibleArguments: [Argument] {
        (arguments ?? []).filter { argument in
            argument.shouldDisplay && !(argument.names ?? []).contains { ["help", "version"].contains($0.name) }
        }
    }
}
