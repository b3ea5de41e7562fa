import EventModel
import Foundation
import Ledger

/// Shows that the ledger holds the attack, trusting nothing but the verifier key.
struct DemoEvidence {
    /// A checkpoint follows an event within about a second.
    private static let attempts = 40

    let client: ServerClient
    let console: Console

    func show() async throws -> [String] {
        var request = JSONObject()
        request.add("q", "actor:=\(DemoAttack.actor) action:secrets.list")
        let found = try await client.call(.post, "/v1/search", body: request.text)
        guard let index = try JSONDocument.read(found, { UInt64($0["events"]?[0]?.text("index") ?? "") }) else {
            return ["no event of the attack was found to prove"]
        }
        let key = try await keyOnce(covering: index)
        let bytes = try await client.call(.get, "/v1/events/\(index)/proof")
        try console.lines([
            "", console.bold("The proof"), "Event \(index), the reading of the secrets: \(index).tlog-proof is", "",
        ])
        try console.lines(
            VisibleText.ofLines(String(decoding: bytes, as: UTF8.self)).split(
                separator: "\n", omittingEmptySubsequences: false
            )
            .map { "  " + $0 })
        do {
            let proof = try TlogProof(parsing: bytes)
            guard proof.index == index else { return ["the proof is that of event \(proof.index)"] }
            let checkpoint = try await verify(proof, key)
            try console.lines([
                "Checked here against the key \(key.description):",
                "the leaf of event \(index) is under the signed checkpoint of \(checkpoint.checkpoint.size) leaves.",
            ])
        } catch let error as LedgerError {
            return ["the proof does not hold: \(error.reason)"]
        }
        return try await verifyAll(key)
    }

    /// The ledger's key, as soon as a checkpoint covers the event.
    private func keyOnce(covering index: UInt64) async throws -> VerifierKey {
        for _ in 0..<Self.attempts {
            let answer = try await client.call(.get, "/v1/integrity")
            let (size, key) = try JSONDocument.read(answer) { ($0["size"]?.int64 ?? 0, $0.text("vkey")) }
            if UInt64(max(size, 0)) > index { return try VerifierKey(parsing: key) }
            try await Task.sleep(for: .milliseconds(250))
        }
        throw CommandFailure(.integrity, "no checkpoint covers event \(index)")
    }

    /// The leaf comes from the ledger's entries, not out of the proof.
    private func verify(_ proof: TlogProof, _ key: VerifierKey) async throws -> SignedCheckpoint {
        let size = try SignedCheckpoint(parsing: proof.checkpoint, verifiedBy: key).checkpoint.size
        guard proof.index < size else {
            throw LedgerError(.outOfRange, "there is no leaf \(proof.index) in a tree of \(size)")
        }
        let first = proof.index / 256 * 256
        let path = try TilePath(.entries, index: proof.index / 256, width: Int(min(256, size - first)))
        let bundle = try await client.call(.get, "/ledger/\(path)")
        let leaves = try EntryBundle.leafHashes(bundle, count: path.width)
        return try proof.verify(leaf: leaves[Int(proof.index % 256)], key: key)
    }

    private func verifyAll(_ key: VerifierKey) async throws -> [String] {
        let client = client
        let source = FetchedTileSource { try await client.call(.get, "/ledger/\($0)") }
        let start = ContinuousClock.now
        let result = try await LedgerVerifier(source: source, key: key).verify()
        if let fault = result.fault { return ["the ledger is not intact: \(fault)"] }
        let milliseconds = Int((ContinuousClock.now - start).milliseconds)
        try console.line("The whole ledger: \(result.entries) leaves rebuilt in \(milliseconds) ms, all intact.")
        return []
    }
}
