import ArgumentParser
import CustodyServer
import DurableFiles
import EventModel
import Foundation
import Ledger
import SystemPackage

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check a data directory, an exported or running ledger, or an evidence pack.",
        discussion: """
            TARGET is a data directory (default ./custody-data), a directory that `export --ledger` wrote, the URL of a \
            server, or an evidence file. Nothing is written there. Without --vkey the target's own key is used, and what \
            is printed then says "self-consistent only": nobody outside vouches for it.

            The last checkpoint of each ledger is remembered in $XDG_STATE_HOME/custody/checkpoints (default \
            ~/.local/state); a ledger that does not extend it was rolled back or rewritten, and is refused with status 2.

            With --policy (C2SP tlog-policy) the checkpoint has to be of one of its logs, and cosigned by its quorum. A key \
            that was changed is followed from the one that is given, over statements that both keys signed.

            Exit status: 0 everything verified; 2 something is missing or altered; 65 TARGET cannot be read as any of these.
            """)

    @Argument(help: ArgumentHelp("What to check.", valueName: "target"))
    var target = DataPlace.usual
    @Option(help: ArgumentHelp("The ledger's verifier key, or a file that holds it.", valueName: "key"))
    var vkey: String?
    @Option(help: ArgumentHelp("A policy: the logs that are trusted, and their witnesses.", valueName: "file"))
    var policy: String?
    @Option(help: ArgumentHelp("Receipts that `push --receipts` kept: was every promise kept?", valueName: "file"))
    var receipts: String?
    @Flag(help: "Build every index of a data directory again from its payloads, also where a seal vouches for it.")
    var deep = false
    @Flag(help: "Hash only what was added to the tree since this machine verified the same ledger last.")
    var incremental = false
    @OptionGroup var output: OutputOptions
    @OptionGroup var server: ClientOptions

    func run() async throws {
        let context = CommandContext.current
        let policy = try policy.map(Self.policy)
        let key = try vkey.map(Self.key)
        if target.hasPrefix("http://") || target.hasPrefix("https://") {
            return try await verifyServer(key, policy, context)
        }
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: target, isDirectory: &isDirectory) else {
            throw CommandFailure(.refused, "there is no \(target)")
        }
        guard isDirectory.boolValue else { return try verifyEvidence(key, policy, context) }
        let path = FilePath(target)
        if FileManager.default.fileExists(atPath: target + "/checkpoint") {
            let source = DirectoryTileSource(directory: path, fileSystem: RealFileSystem())
            guard let trusted = try await Self.trusted(key, policy, source) else {
                throw CommandFailure(.usage, "an exported ledger holds no key: add --vkey or --policy")
            }
            return try await verifyTree(source, trusted, true, policy, context)
        }
        try await verifyDataDirectory(path, key, policy, context)
    }
}
