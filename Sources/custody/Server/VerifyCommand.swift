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

    // MARK: The kinds of target

    private func verifyDataDirectory(
        _ path: FilePath, _ given: VerifierKey?, _ policy: WitnessPolicy?, _ context: CommandContext
    ) async throws {
        guard let own = DataDirectoryVerifier.ownKey(of: path) ?? given else {
            throw CommandFailure(.refused, "\(target) is neither a data directory nor an exported ledger")
        }
        let files: LedgerReader
        do {
            files = try LedgerReader(
                directory: path.appending("ledger"), fileSystem: RealFileSystem(), key: given ?? own)
        } catch let error as LedgerError where given != nil && error.code == .signatureInvalid {
            files = try Self.open(path, own)
        } catch {
            throw CommandFailure(.integrity, "the ledger of \(target) cannot be opened: \(error)")
        }
        let trusted = try await Self.trusted(given, policy, files)
        let keys = try await Self.keys(trusted ?? own, files)
        let key = keys.current
        let report: VerificationReport
        let known = try known(key, context)
        do {
            report = try await DataDirectoryVerifier(
                directory: path, key: key, formerKeys: keys.former, policy: policy, isDeep: deep
            ).verify(after: known) { events in
                context.console.progress("\(events) events compared")
            }
        } catch {
            throw CommandFailure(.integrity, "the ledger of \(target) cannot be opened: \(error)")
        }
        context.console.endProgress()
        try tell(
            report.counts, report.checkpoint, isTrusted: trusted != nil, faults: report.faults, notes: report.notes,
            context)
        if let beacon = report.lastBeacon, !output.json {
            let time = Timestamp(seconds: Int64(clamping: beacon.time)).text
            try context.console.line("leaves from \(beacon.index) on were sealed after \(time)")
        }
        guard report.isIntact else { throw CommandFailure(.integrity, nil) }
        let ledger = try LedgerReader(directory: path.appending("ledger"), fileSystem: RealFileSystem(), key: key)
        try await verifyAround(ledger, keys, policy, context)
    }

    /// A ledger whose checkpoint is not, or not any more, signed by the key that was given: what follows from that key decides.
    private static func open(_ path: FilePath, _ own: VerifierKey) throws -> LedgerReader {
        do {
            return try LedgerReader(directory: path.appending("ledger"), fileSystem: RealFileSystem(), key: own)
        } catch {
            throw CommandFailure(.integrity, "the ledger cannot be opened: \(error)")
        }
    }

    /// The key to trust: the one that was given, or that of the policy's log whose checkpoint this is; nil when neither is.
    private static func trusted(
        _ given: VerifierKey?, _ policy: WitnessPolicy?, _ source: some TileSource
    ) async throws -> VerifierKey? {
        if let given { return given }
        guard let policy, !policy.logs.isEmpty else { return nil }
        do {
            let note = try SignedNote(parsing: try await source.checkpoint())
            let origin = try Checkpoint(parsing: note.text).origin
            let keys = policy.logs.compactMap(\.key).filter { $0.name == origin }
            guard let first = keys.first else {
                throw CommandFailure(.integrity, "the policy knows no log \(origin)")
            }
            return (try? note.verified(by: keys))?.first ?? first
        } catch let error as LedgerError {
            throw CommandFailure(.integrity, "the checkpoint cannot be read: \(error.reason)")
        }
    }

    /// The key that signs the source's checkpoint, among those that follow from the one that is trusted.
    private static func keys(
        _ trusted: VerifierKey, _ source: any TileSource
    ) async throws -> (current: VerifierKey, former: [VerifierKey]) {
        do {
            let keys = try await source.keys(after: trusted)
            let current = try await SeenLedgers.signer(of: source, among: keys)
            return (current, keys.filter { $0 != current })
        } catch let error as LedgerError {
            throw CommandFailure(.integrity, "the checkpoint does not follow from the key: \(error.reason)")
        }
    }

    /// The checkpoint up to which this machine verified everything before, when only the rest is asked for.
    private func known(_ key: VerifierKey, _ context: CommandContext) throws -> Checkpoint? {
        guard incremental, let known = try CheckpointMemory.ofUser(context, "verified")?.last(of: key) else {
            return nil
        }
        context.console.note("\(known.size) leaves were verified here before")
        return known
    }

    /// What is asked of an intact ledger besides: its witnesses, what was seen of it before, and the receipts it gave.
    private func verifyAround(
        _ source: any TileSource, _ keys: (current: VerifierKey, former: [VerifierKey]), _ policy: WitnessPolicy?,
        _ context: CommandContext
    ) async throws {
        if !keys.former.isEmpty, !output.json {
            try context.console.line("the key was changed \(keys.former.count) times, each time signed by both keys")
        }
        let signed = try SignedCheckpoint(parsing: try await source.checkpoint(), verifiedBy: keys.current)
        if let policy { try judge(signed, policy, context) }
        if let size = try await SeenLedgers(context)?.check(source, key: keys.current, formerly: keys.former),
            !output.json
        {
            try context.console.line("extends the checkpoint of \(size) leaves that was seen here before")
        }
        try await rememberVerified(source, keys.current, context)
        if let receipts { try await verifyReceipts(receipts, source, signed, keys, context) }
    }

    /// Remembers what was verified as a whole, for `--incremental`.
    private func rememberVerified(
        _ source: any TileSource, _ key: VerifierKey, _ context: CommandContext
    ) async throws {
        do {
            _ = try await CheckpointMemory.ofUser(context, "verified")?.compare(source, key: key)
        } catch {
            context.console.note("not remembered for the next --incremental: \(error)")
        }
    }

    /// Demands the policy's quorum.
    private func judge(_ signed: SignedCheckpoint, _ policy: WitnessPolicy, _ context: CommandContext) throws {
        do {
            let judgement = try policy.judge(signed.note)
            guard judgement.isQuorum else { throw CommandFailure(.integrity, policy.quorumGap(judgement)) }
            guard !output.json else { return }
            for (index, time) in judgement.times.sorted(by: { $0.key < $1.key }) {
                let text = Timestamp(seconds: Int64(clamping: time)).text
                try context.console.line("cosigned by \(VisibleText.of(policy.witnesses[index].name)) at \(text)")
            }
        } catch let error as LedgerError {
            throw CommandFailure(.integrity, error.reason)
        }
    }

    private func verifyReceipts(
        _ file: String, _ source: any TileSource, _ signed: SignedCheckpoint,
        _ keys: (current: VerifierKey, former: [VerifierKey]), _ context: CommandContext
    ) async throws {
        guard let bytes = FileManager.default.contents(atPath: file) else {
            throw CommandFailure(.refused, "\(file) cannot be read")
        }
        let verifier = ReceiptVerifier(
            source: source, checkpoint: signed.checkpoint, keys: [keys.current] + keys.former)
        let now = UInt64(clamping: context.now().milliseconds)
        var counts: [ReceiptVerifier.Outcome: Int] = [:]
        for (number, line) in bytes.split(separator: UInt8(ascii: "\n")).enumerated() {
            // Lines of `push --receipts`; an answer without new events has no receipt.
            guard let note = try JSONDocument.read(Array(line), { $0["receipt"]?.string.map { Array($0) } }) else {
                continue
            }
            do {
                let (receipt, outcome) = try await verifier.judge(note, now: now)
                counts[outcome, default: 0] += 1
                guard outcome == .late || outcome == .broken else { continue }
                context.console.note(
                    "\(file):\(number + 1): leaves \(receipt.firstIndex) to \(receipt.firstIndex + receipt.count - 1) "
                        + (outcome == .late
                            ? "are under no checkpoint, \(receipt.maximumDelay) s after they were accepted"
                            : "are not those that were promised"))
            } catch let error as LedgerError {
                counts[.broken, default: 0] += 1
                context.console.note("\(file):\(number + 1): \(error.reason)")
            }
        }
        if !output.json {
            try context.console.line(
                "receipts: \(counts[.kept] ?? 0) kept, \(counts[.pending] ?? 0) not due yet, \(counts[.late] ?? 0) late, "
                    + "\(counts[.broken] ?? 0) broken")
        }
        guard counts[.late] == nil, counts[.broken] == nil else { throw CommandFailure(.integrity, nil) }
    }

    private func verifyServer(
        _ given: VerifierKey?, _ policy: WitnessPolicy?, _ context: CommandContext
    ) async throws {
        var options = server
        options.url = target
        let client = try options.client(context)
        let source = FetchedTileSource { path in try await client.call(.get, "/ledger/" + path) }
        let trusted = try await Self.trusted(given, policy, source)
        let key: VerifierKey
        if let trusted {
            key = trusted
        } else {
            let answer = try await client.call(.get, "/v1/integrity")
            key = try VerifierKey(parsing: try JSONDocument.read(answer) { $0["vkey"]?.string?.text ?? "" })
        }
        try await verifyTree(source, key, trusted != nil, policy, context)
    }

    private func verifyTree(
        _ source: any TileSource, _ key: VerifierKey, _ isTrusted: Bool, _ policy: WitnessPolicy?,
        _ context: CommandContext
    ) async throws {
        let keys = try await Self.keys(key, source)
        let result = try await LedgerVerifier(source: source, key: keys.current).verify(
            after: known(keys.current, context)
        ) { entries in
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
        try await verifyAround(source, keys, policy, context)
    }

    private func verifyEvidence(_ key: VerifierKey?, _ policy: WitnessPolicy?, _ context: CommandContext) throws {
        do {
            let report = try EvidenceVerifier(key: key ?? Self.key(ofPack: target, policy)).verify(
                try RealFileSystem().open(FilePath(target), .read))
            let trust = report.isKeyTrusted ? "" : " (self-consistent only: the key is the file's own)"
            if let policy { try judge(report.checkpoint, policy, context) }
            if output.json {
                let coverage = String(decoding: report.coverage, as: UTF8.self)
                return try context.console.line(
                    "{\"verified\":\(report.events),\"altered\":0,\"trusted\":\(report.isKeyTrusted),\"coverage\":\(coverage)}"
                )
            }
            try context.console.lines([
                "verified \(report.events) events of \(report.origin)\(trust)",
                "under the checkpoint of \(report.checkpoint.checkpoint.size) leaves; query: \(report.query)",
            ])
            for gap in EvidenceGaps.texts(of: report.coverage) { try context.console.line("not covered: \(gap)") }
        } catch let error as EvidenceError {
            throw CommandFailure(error.code == .unreadable ? .refused : .integrity, "\(target), \(error)")
        } catch let error as DurableFilesError {
            throw CommandFailure(.refused, "\(target) cannot be read: \(error)")
        }
    }

    // MARK: Telling

    private func tell(
        _ counts: VerificationCounts, _ checkpoint: SignedCheckpoint?, isTrusted: Bool, faults: [String],
        notes: [String] = [], _ context: CommandContext
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
            let told = notes.map { note in
                var text: [UInt8] = []
                JSONText.appendString(note, to: &text)
                return String(decoding: text, as: UTF8.self)
            }
            let list = told.isEmpty ? "" : ",\"notes\":[\(told.joined(separator: ","))]"
            return try context.console.lines([
                "{" + members.joined(separator: ",") + ",\"trusted\":\(isTrusted)\(fault)\(list)}"
            ])
        }
        var lines = rows.map { "\(String($0.1).leftPadded(to: 12))  \($0.0)" }
        if let checkpoint {
            lines.append("checkpoint of \(checkpoint.checkpoint.origin), \(checkpoint.checkpoint.size) leaves")
        }
        lines += notes
        if !isTrusted {
            lines.append("self-consistent only: the key is the target's own; give the one you noted with --vkey")
        }
        try context.console.lines(lines)
        for fault in faults { context.console.note("wrong: \(fault)") }
    }

    private static func policy(_ path: String) throws -> WitnessPolicy {
        do {
            return try ServerConfiguration.policy(at: path)
        } catch let error as ConfigurationError {
            throw CommandFailure(.usage, error.description)
        }
    }

    /// The key of the policy's log that a pack says it is of; nil when there is none.
    private static func key(ofPack path: String, _ policy: WitnessPolicy?) throws -> VerifierKey? {
        guard let policy, !policy.logs.isEmpty else { return nil }
        let named = try EvidenceVerifier.statedKey(of: try RealFileSystem().open(FilePath(path), .read))
        guard let key = policy.logs.compactMap(\.key).first(where: { $0 == named }) else {
            throw CommandFailure(
                .integrity, "the policy does not know the log \(VisibleText.of(named.name)) with this key")
        }
        return key
    }

    static func key(_ text: String) throws -> VerifierKey {
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
