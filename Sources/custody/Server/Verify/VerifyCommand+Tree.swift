import CustodyServer
import DurableFiles
import EventModel
import Foundation
import Ledger
import SystemPackage

/// A ledger alone, exported or served: the tree, without events.
extension VerifyCommand {
    func verifyServer(
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

    func verifyTree(
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
}
