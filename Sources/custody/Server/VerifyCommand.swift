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

            Exit status: 0 everything verified; 2 something is missing or altered; 65 TARGET cannot be read as any of these.
            """)

    @Argument(help: ArgumentHelp("What to check.", valueName: "target"))
    var target = "custody-data"
    @Option(help: ArgumentHelp("The ledger's verifier key, or a file that holds it.", valueName: "key"))
    var vkey: String?
    @OptionGroup var output: OutputOptions
    @OptionGroup var server: ClientOptions

    func run() async throws {
        let context = CommandContext.current
        let key = try vkey.map(Self.key)
        if target.hasPrefix("http://") || target.hasPrefix("https://") {
            return try await verifyServer(key, context)
        }
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: target, isDirectory: &isDirectory) else {
            throw CommandFailure(.refused, "there is no \(target)")
        }
        guard isDirectory.boolValue else { return try verifyEvidence(key, context) }
        let path = FilePath(target)
        if FileManager.default.fileExists(atPath: target + "/checkpoint") {
            guard let key else { throw CommandFailure(.usage, "an exported ledger holds no key: add --vkey") }
            return try await verifyTree(
                DirectoryTileSource(directory: path, fileSystem: RealFileSystem()), key, true, context)
        }
        try await verifyDataDirectory(path, key, context)
    }

    // MARK: The kinds of target

    private func verifyDataDirectory(_ path: FilePath, _ given: VerifierKey?, _ context: CommandContext) async throws {
        guard let key = given ?? DataDirectoryVerifier.ownKey(of: path) else {
            throw CommandFailure(.refused, "\(target) is neither a data directory nor an exported ledger")
        }
        let report: VerificationReport
        do {
            report = try await DataDirectoryVerifier(directory: path, key: key).verify { events in
                context.console.progress("\(events) events compared")
            }
        } catch {
            throw CommandFailure(.integrity, "the ledger of \(target) cannot be opened: \(error)")
        }
        context.console.endProgress()
        try tell(report.counts, report.checkpoint, isTrusted: given != nil, faults: report.faults, context)
        guard report.isIntact else { throw CommandFailure(.integrity, nil) }
        let ledger = try LedgerReader(directory: path.appending("ledger"), fileSystem: RealFileSystem(), key: key)
        try await compareWithMemory(ledger, key, context)
    }

    private func verifyServer(_ given: VerifierKey?, _ context: CommandContext) async throws {
        var options = server
        options.url = target
        let client = try options.client(context)
        let key: VerifierKey
        if let given {
            key = given
        } else {
            let answer = try await client.call(.get, "/v1/integrity")
            key = try VerifierKey(parsing: try JSONDocument.read(answer) { $0["vkey"]?.string?.text ?? "" })
        }
        let source = FetchedTileSource { path in try await client.call(.get, "/ledger/" + path) }
        try await verifyTree(source, key, given != nil, context)
        try await compareWithMemory(source, key, context)
    }

    /// Demands that an intact ledger extends what this machine saw of it before.
    private func compareWithMemory(
        _ source: any TileSource, _ key: VerifierKey, _ context: CommandContext
    ) async throws {
        let state = context.variable("XDG_STATE_HOME") ?? context.variable("HOME").map { $0 + "/.local/state" }
        guard let state else { return }
        let memory = CheckpointMemory(directory: FilePath(state).appending("custody").appending("checkpoints"))
        do {
            guard let size = try await memory.compare(source, key: key) else { return }
            if !output.json {
                try context.console.line("extends the checkpoint of \(size) leaves that was seen here before")
            }
        } catch let error as LedgerError where error.code == .fork {
            throw CommandFailure(.integrity, "rolled back or rewritten: \(error.reason)")
        } catch let error as DurableFilesError {
            context.console.note("the checkpoint was not remembered: \(error)")
        } catch let error as LedgerError {
            context.console.note("not compared with what was seen here before: \(error)")
        }
    }

    private func verifyTree(
        _ source: any TileSource, _ key: VerifierKey, _ isTrusted: Bool, _ context: CommandContext
    ) async throws {
        let result = try await LedgerVerifier(source: source, key: key).verify { entries in
            // A line for each bundle would be most of the work.
            if entries % 65_536 == 0 { context.console.progress("\(entries) leaves hashed") }
        }
        context.console.endProgress()
        var counts = VerificationCounts()
        if result.isIntact { counts.verified = result.entries } else { counts.altered = 1 }
        try tell(
            counts, result.checkpoint, isTrusted: isTrusted, faults: result.fault.map { [$0.description] } ?? [],
            context)
        if !result.isIntact { throw CommandFailure(.integrity, nil) }
    }

    private func verifyEvidence(_ key: VerifierKey?, _ context: CommandContext) throws {
        guard let bytes = FileManager.default.contents(atPath: target) else {
            throw CommandFailure(.refused, "\(target) cannot be read")
        }
        do {
            let report = try EvidenceVerifier(key: key).verify(Array(bytes))
            let trust = report.isKeyTrusted ? "" : " (self-consistent only: the key is the file's own)"
            let text =
                output.json
                ? "{\"verified\":\(report.events),\"altered\":0,\"trusted\":\(report.isKeyTrusted)}"
                : "verified \(report.events) events of \(report.origin)\(trust)"
            try context.console.lines([text])
        } catch let error as EvidenceError {
            throw CommandFailure(error.code == .unreadable ? .refused : .integrity, "\(target), \(error)")
        }
    }

    // MARK: Telling

    private func tell(
        _ counts: VerificationCounts, _ checkpoint: SignedCheckpoint?, isTrusted: Bool, faults: [String],
        _ context: CommandContext
    ) throws {
        let rows: [(String, UInt64)] = [
            ("verified", counts.verified), ("lawfully destroyed", counts.lawfullyDestroyed),
            ("destroyed without proven authority", counts.destroyedWithoutAuthority), ("missing", counts.missing),
            ("altered", counts.altered),
        ]
        if output.json {
            let members = rows.map { "\"\($0.0.replacingOccurrences(of: " ", with: "_"))\":\($0.1)" }
            var first: [UInt8] = []
            if let fault = faults.first { JSONText.appendString(fault, to: &first) }
            let fault = first.isEmpty ? "" : ",\"fault\":" + String(decoding: first, as: UTF8.self)
            return try context.console.lines([
                "{" + members.joined(separator: ",") + ",\"trusted\":\(isTrusted)\(fault)}"
            ])
        }
        var lines = rows.map { "\(String($0.1).leftPadded(to: 12))  \($0.0)" }
        if let checkpoint {
            lines.append("checkpoint of \(checkpoint.checkpoint.origin), \(checkpoint.checkpoint.size) leaves")
        }
        if !isTrusted {
            lines.append("self-consistent only: the key is the target's own; give the one you noted with --vkey")
        }
        try context.console.lines(lines)
        for fault in faults { context.console.note("wrong: \(fault)") }
    }

    private static func key(_ text: String) throws -> VerifierKey {
        let content = FileManager.default.contents(atPath: text).map { String(decoding: $0, as: UTF8.self) } ?? text
        do {
            return try VerifierKey(parsing: content.trimmingCharacters(in: .whitespacesAndNewlines))
        } catch {
            throw CommandFailure(.usage, "\(text) is no verifier key")
        }
    }
}

extension String {
    fileprivate func leftPadded(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }
}
