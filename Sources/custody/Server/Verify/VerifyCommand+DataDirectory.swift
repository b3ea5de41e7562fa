import CustodyServer
import DurableFiles
import EventModel
import Foundation
import Ledger
import SystemPackage

/// A data directory: everything that is stored, against the ledger.
extension VerifyCommand {
    func verifyDataDirectory(
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
    static func open(_ path: FilePath, _ own: VerifierKey) throws -> LedgerReader {
        do {
            return try LedgerReader(directory: path.appending("ledger"), fileSystem: RealFileSystem(), key: own)
        } catch {
            throw CommandFailure(.integrity, "the ledger cannot be opened: \(error)")
        }
    }
}
