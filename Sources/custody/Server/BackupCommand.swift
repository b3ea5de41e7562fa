import ArgumentParser
import CustodyServer
import DurableFiles
import Foundation
import Ledger
import SystemPackage

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy a data directory, also while its server runs, and verify the copy.",
        discussion: """
            DIR is made when missing. A second backup to the same DIR copies only what changed: sealed segments and ledger \
            files that are there already stay. Without --include-keys the installation's keys are left out; a restore then \
            needs them from elsewhere. See docs/backup.md.

            Exit status: 0 the backup is complete and verifies; 2 what was copied does not verify.
            """)

    @Argument(help: ArgumentHelp("Where to.", valueName: "dir"))
    var directory: String
    @Option(help: "The data directory.")
    var data = DataPlace.usual
    @Flag(help: "Copy the signing key and the other secrets too: who has them can sign for the ledger.")
    var includeKeys = false

    func run() async throws {
        let context = CommandContext.current
        guard let key = DataDirectoryVerifier.ownKey(of: FilePath(data)) else {
            throw CommandFailure(.refused, "\(data) is no data directory; name it with --data")
        }
        let report: Backup.Report
        do {
            report = try await Backup(of: FilePath(data), to: FilePath(directory), key: key).run(
                includingKeys: includeKeys, now: context.now()
            ) { context.console.progress("\($0) events verified") }
        } catch let error as ConfigurationError {
            throw CommandFailure(.refused, error.description)
        } catch let error as DurableFilesError {
            throw CommandFailure(.refused, "\(error)")
        }
        context.console.endProgress()
        guard report.verification.isIntact else {
            for fault in report.verification.faults { context.console.note("wrong: \(fault)") }
            throw CommandFailure(.integrity, "the copy in \(directory) does not verify")
        }
        try context.console.line(
            "\(report.checkpoint.checkpoint.size) leaves verified in \(directory); \(report.copiedFiles) files "
                + "(\(report.copiedBytes) bytes) copied, \(report.keptFiles) were there")
    }
}
