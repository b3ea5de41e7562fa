import ArgumentParser
import CustodyServer
import DurableFiles
import Foundation
import Ledger
import SystemPackage

/// Where the commands that work on key and guard find both.
struct SigningOptions: ParsableArguments {
    @Option(help: "The data directory; no server may run on it.")
    var data = DataPlace.ofWorkingDirectory
    @Option(
        name: .customLong("guard"), help: ArgumentHelp("The signer's guard directory, as for serve.", valueName: "dir"))
    var guardDirectory: String?

    /// Opens both and hands them over.
    ///
    /// - Throws: ``CommandFailure`` with the status that the failure stands for.
    func withOffice<Result>(_ body: (LedgerOffice) throws -> Result) throws -> Result {
        do {
            let place = try GuardPlace.directory(guardDirectory, nil, data: FilePath(data))
            return try body(try LedgerOffice(data: FilePath(data), guardDirectory: place))
        } catch let error as ConfigurationError {
            throw CommandFailure(.usage, error.description)
        } catch let error as LedgerError {
            throw CommandFailure(
                [.fork, .rollback, .guardLost].contains(error.code) ? .integrity : .refused, error.reason)
        } catch let error as DurableFilesError {
            throw CommandFailure(.refused, error.description)
        }
    }
}

struct GuardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "guard",
        abstract: "Look at what the signer remembers; vouch for a ledger whose guard was lost.",
        discussion: """
            The guard remembers, outside the data directory, the last tree that was signed. When a server says that \
            publication stopped, docs/witnesses.md tells which of these to use.
            """,
        subcommands: [Show.self, Accept.self])

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "What is published, and what the guard remembers.")
        @OptionGroup var signing: SigningOptions

        func run() throws {
            let console = CommandContext.current.console
            try signing.withOffice { office in
                let (key, published, memory) = try office.state()
                try console.lines([
                    "vkey       \(key)", "published  \(published.size) leaves, root \(published.root.hex)",
                    memory.map { "guard      \($0.checkpoint.size) leaves, root \($0.checkpoint.root.hex)" }
                        ?? "guard      nothing",
                ])
            }
        }
    }

    struct Accept: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have a guard that lost its memory remember the ledger as it is.",
            discussion: """
                Only right when you know that this data directory holds everything that was ever signed: that it is no \
                copy beside another server, and no older backup. The reason becomes a leaf of the ledger.
                """)
        @OptionGroup var signing: SigningOptions
        @Option(help: "Why the guard is empty, for whoever audits.")
        var reason: String

        func run() throws {
            let checkpoint = try signing.withOffice { try $0.vouch(reason: reason) }
            CommandContext.current.console.note(
                "the guard remembers \(checkpoint.size) leaves of \(checkpoint.origin); start the server")
        }
    }
}

struct KeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Change the ledger's signing key.",
        subcommands: [Rotate.self, Succeed.self])

    struct Rotate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sign with a new key, and for a time with the old one too.",
            discussion: """
                Both keys sign a statement of the change, which verifiers follow from the key they know, and which becomes \
                a leaf of the ledger. Give witnesses the new key as a second `log` line before the overlap ends.
                """)
        @OptionGroup var signing: SigningOptions
        @Option(help: "Days in which the old key goes on signing beside the new one.")
        var overlap = 30
        @Option(help: "Why, for whoever audits.")
        var reason = "scheduled"

        func validate() throws {
            guard (0...3_650).contains(overlap) else { throw ValidationError("--overlap is 0 to 3650 days") }
        }

        func run() throws {
            let key = try signing.withOffice { try $0.rotate(reason: reason, overlapDays: overlap) }
            try CommandContext.current.console.line("\(key)")
        }
    }

    struct Succeed: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Begin another log, of another origin, with the tree as it is.",
            discussion: """
                For a ledger that lost leaves which a signed checkpoint covered, when they are nowhere to be had: under its \
                origin it could only contradict what it signed. Both keys sign a statement with the reason; verifiers that \
                know the old key do not follow it, and have to be told.
                """)
        @OptionGroup var signing: SigningOptions
        @Option(help: "What happened, for whoever audits.")
        var reason: String

        func run() throws {
            let key = try signing.withOffice { try $0.succeed(reason: reason) }
            try CommandContext.current.console.line("\(key)")
        }
    }
}
