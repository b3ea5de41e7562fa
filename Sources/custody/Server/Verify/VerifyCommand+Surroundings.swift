import CustodyServer
import DurableFiles
import EventModel
import Foundation
import Ledger
import SystemPackage

/// What is asked of an intact ledger besides: witnesses, memory, receipts.
extension VerifyCommand {
    /// What is asked of an intact ledger besides: its witnesses, what was seen of it before, and the receipts it gave.
    func verifyAround(
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
    func rememberVerified(
        _ source: any TileSource, _ key: VerifierKey, _ context: CommandContext
    ) async throws {
        do {
            _ = try await CheckpointMemory.ofUser(context, "verified")?.compare(source, key: key)
        } catch {
            context.console.note("not remembered for the next --incremental: \(error)")
        }
    }

    /// Demands the policy's quorum.
    func judge(_ signed: SignedCheckpoint, _ policy: WitnessPolicy, _ context: CommandContext) throws {
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

    func verifyReceipts(
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
}
