import ArgumentParser
import CustodyServer
import DurableFiles
import Foundation
import Ledger
import SystemPackage

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Make a data directory of a backup, after proving that it continues the ledger.",
        discussion: """
            The backup is verified as a whole and held against the last checkpoint that this machine saw \
            ($XDG_STATE_HOME/custody/checkpoints) and, with --newer, against a mirror or an exported ledger. A backup that \
            ends before what was seen is refused: its later events would be gone. Whoever restores it all the same says why \
            with --accept-loss, and the server puts that on record. See docs/backup.md.

            Exit status: 0 restored; 2 the backup is damaged, older than what was seen, or of another history.
            """)

    @Argument(help: ArgumentHelp("The backup.", valueName: "dir"))
    var directory: String
    @Option(help: "The data directory to make; it must not exist or be empty.")
    var data = "custody-data"
    @Option(help: ArgumentHelp("The ledger's verifier key, or a file that holds it.", valueName: "key"))
    var vkey: String?
    @Option(help: ArgumentHelp("The installation's keys, when the backup has none.", valueName: "dir"))
    var keys: String?
    @Option(help: ArgumentHelp("An exported ledger or a mirror that is newer than the backup.", valueName: "dir"))
    var newer: String?
    @Option(help: ArgumentHelp("Restore although later events are lost, for this reason.", valueName: "reason"))
    var acceptLoss: String?

    func run() async throws {
        let context = CommandContext.current
        let memory = CheckpointMemory.ofUser(context)
        let report: Restore.Report
        do {
            report = try await Restore(from: FilePath(directory), to: FilePath(data)).run(
                key: try vkey.map(VerifyCommand.key), memory: memory,
                newer: newer.map { DirectoryTileSource(directory: FilePath($0), fileSystem: RealFileSystem()) },
                keys: keys.map { FilePath($0) }, acceptedLoss: acceptLoss, now: context.now()
            ) { context.console.progress("\($0) events verified") }
        } catch let refusal as Restore.Refusal {
            context.console.endProgress()
            if case .older = refusal {
                context.console.note(
                    "look for a newer backup; to go on without those events, repeat with --accept-loss REASON")
            }
            throw CommandFailure(.integrity, refusal.description)
        } catch let error as ConfigurationError {
            throw CommandFailure(.refused, error.description)
        } catch let error as LedgerError {
            throw CommandFailure(.refused, "\(error)")
        } catch let error as DurableFilesError {
            throw CommandFailure(.refused, "\(error)")
        }
        context.console.endProgress()
        let seen = report.seen.map { "; seen before with \($0)" } ?? "; this machine never saw the ledger before"
        try context.console.line("\(report.checkpoint.size) leaves restored in \(data)\(seen)")
        if report.lost > 0 { context.console.note("\(report.lost) events after the backup are lost") }
    }
}

extension CheckpointMemory {
    /// What this account's commands have seen of ledgers, or verified as a whole; nil when it has no home.
    static func ofUser(_ context: CommandContext, _ name: String = "checkpoints") -> CheckpointMemory? {
        let state = context.variable("XDG_STATE_HOME") ?? context.variable("HOME").map { $0 + "/.local/state" }
        return state.map { CheckpointMemory(directory: FilePath($0).appending("custody").appending(name)) }
    }
}
