import CustodyServer
import DurableFiles
import EventModel
import Foundation
import Ledger
import SystemPackage

/// An evidence pack.
extension VerifyCommand {
    func verifyEvidence(_ key: VerifierKey?, _ policy: WitnessPolicy?, _ context: CommandContext) throws {
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

    /// The key of the policy's log that a pack says it is of; nil when there is none.
    static func key(ofPack path: String, _ policy: WitnessPolicy?) throws -> VerifierKey? {
        guard let policy, !policy.logs.isEmpty else { return nil }
        let named = try EvidenceVerifier.statedKey(of: try RealFileSystem().open(FilePath(path), .read))
        guard let key = policy.logs.compactMap(\.key).first(where: { $0 == named }) else {
            throw CommandFailure(
                .integrity, "the policy does not know the log \(VisibleText.of(named.name)) with this key")
        }
        return key
    }
}
