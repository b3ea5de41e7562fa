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
            with --accept-loss, and the server puts that on record. What was redacted or destroyed after the backup was made \
            goes again before the server serves, as far as --newer and --records tell of it. See docs/backup.md.

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
    @Option(
        help: ArgumentHelp(
            "What is newer than the backup: an exported ledger, a mirror, or the data directory that is replaced.",
            valueName: "dir"))
    var newer: String?
    @Option(
        help: ArgumentHelp("Evidence packs with records of the newer ledger, to be appended again.", valueName: "file"))
    var records: [String] = []
    @Option(help: ArgumentHelp("Restore although later events are lost, for this reason.", valueName: "reason"))
    var acceptLoss: String?

    func run() async throws {
        let context = CommandContext.current
        let memory = CheckpointMemory.ofUser(context)
        let report: Restore.Report
        do {
            report = try await Restore(from: FilePath(directory), to: FilePath(data)).run(
                key: try vkey.map(VerifyCommand.key), memory: memory,
                newer: try await newerLedger(),
                keys: keys.map { FilePath($0) }, acceptedLoss: acceptLoss, now: context.now()
            ) { context.console.progress("\($0) events verified") }
        } catch let refusal as Restore.Refusal {
            context.console.endProgress()
            if case .older = refusal {
                context.console.note(
                    "look for a newer backup; to go on without those events, repeat with --accept-loss REASON")
            }
            throw CommandFailure(.integrity, refusal.description)
        } catch let error as CommandFailure {
            throw error
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
        if report.takenBack > 0 {
            try context.console.line(
                "\(report.takenBack) later records are appended again, and carried out, before the server serves")
        }
        for record in report.unknownRecords {
            context.console.note("not known and not appended again: \(record)")
        }
        if !report.unknownRecords.isEmpty || report.isLaterUnknown {
            context.console.note(
                (report.isLaterUnknown ? "what was redacted or destroyed after the backup is not known; " : "")
                    + "before anybody may search, have it redacted again: docs/backup.md, \"What was destroyed after the backup\""
            )
        }
    }

    /// A ledger that goes on where the backup ends, with what is known of its records.
    private func newerLedger() async throws -> NewerLedger? {
        guard let newer else {
            guard records.isEmpty else { throw CommandFailure(.usage, "--records needs --newer, which proves them") }
            return nil
        }
        let directory = FilePath(newer)
        let key =
            try vkey.map(VerifyCommand.key)
            ?? BackupRecord(
                readingFrom: FilePath(self.directory), fileSystem: RealFileSystem()
            ).key
        let isDataDirectory = FileManager.default.fileExists(atPath: newer + "/ledger")
        var ledger =
            isDataDirectory
            ? try await NewerLedger(dataDirectory: directory, key: key)
            : NewerLedger(DirectoryTileSource(directory: directory, fileSystem: RealFileSystem()))
        for file in records {
            do {
                try await ledger.add(pack: try RealFileSystem().open(FilePath(file), .read), key: key)
            } catch let error as EvidenceError {
                throw CommandFailure(.refused, "\(file), \(error)")
            }
        }
        return ledger
    }
}
