import Foundation
import TestSupport
import Testing

@testable import Ledger

/// Readers of the ledger's formats under seeded mutation: whatever the bytes, an answer or a ``LedgerError``; what is
/// read is spelled in the one way there is. `CUSTODY_FUZZ_ROUNDS` runs more than the default.
@Suite("Fuzzed readers of the ledger") struct FuzzTests {
    private static let rounds = ProcessInfo.processInfo.environment["CUSTODY_FUZZ_ROUNDS"].flatMap { Int($0) } ?? 3_000
    private static let pieces: [[UInt8]] = [
        "\n", "\n\n", "— ", "+", "=", "==", "0", "00", "18446744073709551615", "18446744073709551616", "-1", "x",
        "x001/",
        ".p/", "tile/", "entries/", "custody-receipt/v1\n", "c2sp.org/tlog-proof@v1\n", "extra ", "index ", "AAAA",
    ].map { Array($0.utf8) }

    private let key: LedgerKey
    private let checkpoint: SignedCheckpoint

    init() throws {
        key = try LedgerKey(name: "custody/0123abcd", seed: Array(repeating: 3, count: 32))
        let root = TreeOfLeaves(size: 300).root(300)
        checkpoint = try SignedCheckpoint(
            signing: Checkpoint(origin: key.verifierKey.name, size: 300, root: root), with: key)
    }

    /// Mutates each input so many times; other errors than the ledger's fail the test.
    private func fuzz(_ inputs: [[UInt8]], seed: UInt64, _ read: ([UInt8]) throws -> Void) {
        var mutator = ByteMutator(seed: seed, pieces: Self.pieces)
        for input in inputs {
            for round in 0..<Self.rounds {
                let bytes = mutator.mutated(input, mixedWith: inputs[round % inputs.count])
                do {
                    try read(bytes)
                } catch is LedgerError {
                    continue
                } catch {
                    Issue.record("seed \(seed), round \(round): \(error)")
                }
            }
        }
    }

    @Test("Notes and checkpoints: what is read is written again byte for byte, and only an unchanged text verifies")
    func notes() throws {
        fuzz([checkpoint.note.bytes, Array("a\n\n— b AAAAAAAA\n".utf8)], seed: 1) { bytes in
            let note = try SignedNote(parsing: bytes)
            #expect(note.bytes == bytes)
            try note.verified(by: [key.verifierKey])
            #expect(note.text == checkpoint.note.text)
            let signed = try SignedCheckpoint(parsing: bytes, verifiedBy: key.verifierKey)
            #expect(signed.checkpoint == checkpoint.checkpoint)
        }
        fuzz([checkpoint.checkpoint.text], seed: 2) { bytes in
            let read = try Checkpoint(parsing: bytes)
            // Lines after the root are extensions, which are signed and mean nothing here.
            #expect(bytes.starts(with: read.text))
        }
    }

    @Test("Verifier keys, key files and receipts have one spelling")
    func keys() throws {
        fuzz([Array(key.verifierKey.description.utf8)], seed: 3) { bytes in
            guard let text = String(validating: bytes, as: UTF8.self) else { return }
            let read = try VerifierKey(parsing: text)
            #expect(read.description == text)
        }
        let receipt = try Receipt(
            origin: key.verifierKey.name, firstIndex: 7, leafHashes: [TreeOfLeaves(size: 1).root(1)], accepted: 5,
            maximumDelay: 60
        ).signed(by: key)
        fuzz([receipt], seed: 4) { bytes in
            let read = try Receipt(parsing: bytes, verifiedBy: key.verifierKey)
            #expect(read.firstIndex == 7)
        }
    }

    @Test("Proof files: one spelling; a changed proof proves nothing")
    func proofs() throws {
        let tree = TreeOfLeaves(size: 300)
        let fixture = try LedgerFixture()
        let reader = try fixture.build([300]).reader
        let proof = try reader.tlogProof(of: 77)
        let leaf = TreeOfLeaves.entries(77..<78)[0].leafHash
        #expect(try proof.verify(leaf: leaf, key: fixture.key.verifierKey).checkpoint.root == tree.root(300))
        fuzz([proof.bytes], seed: 5) { bytes in
            let read = try TlogProof(parsing: bytes)
            #expect(read.bytes == bytes)
            _ = try read.verify(leaf: leaf, key: fixture.key.verifierKey)
            #expect(read.index == 77 && read.hashes == proof.hashes)
        }
    }

    @Test("Tile paths, entry bundles and tiles: an answer or an error, and one spelling")
    func tiles() throws {
        fuzz(["tile/0/x001/x234/067", "tile/entries/000.p/17", "tile/63/000"].map { Array($0.utf8) }, seed: 6) {
            bytes in
            guard let text = String(validating: bytes, as: UTF8.self) else { return }
            let read = try TilePath(parsing: text)
            #expect(read.description == text)
        }
        fuzz([EntryBundle.encode(TreeOfLeaves.entries(0..<20))], seed: 7) { bytes in
            _ = try EntryBundle.leafHashes(bytes, count: 20)
            let entries = try EntryBundle.decode(bytes, count: 20)
            #expect(EntryBundle.encode(entries) == bytes)
        }
        fuzz([TreeHash.bytes(of: [TreeOfLeaves(size: 3).root(3)])], seed: 8) { bytes in
            let hashes = try TreeHash.list(bytes)
            #expect(TreeHash.bytes(of: hashes) == bytes)
        }
    }
}
