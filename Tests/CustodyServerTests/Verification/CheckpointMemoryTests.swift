import DurableFiles
import Foundation
import Ledger
import SystemPackage
import Testing

@testable import CustodyServer

@Suite("What this machine remembers of a ledger")
struct CheckpointMemoryTests {
    private let memory: CheckpointMemory
    private let fileSystem = FaultingFileSystem(seed: 1)
    private let directory = FilePath("/memory")

    init() { memory = CheckpointMemory(directory: directory, fileSystem: fileSystem) }

    private func key(_ seed: UInt8) throws -> LedgerKey {
        try LedgerKey(name: "custody/0123abcd", seed: Array(repeating: seed, count: 32))
    }

    /// A ledger of one-leaf entries in the static layout, held in memory.
    private func source(_ leaves: Range<UInt64>, _ key: LedgerKey, salt: UInt8 = 0) throws -> some TileSource {
        let hashes = try leaves.map { try #require(TreeHash([UInt8](repeating: UInt8($0) &+ salt, count: 32))) }
        let checkpoint = Checkpoint(
            origin: key.verifierKey.name, size: UInt64(hashes.count), root: MerkleHashing.root(hashes))
        let note = try SignedCheckpoint(signing: checkpoint, with: key).note.bytes
        let tile = TreeHash.bytes(of: hashes)
        return FetchedTileSource { path in
            guard path != "checkpoint" else { return note }
            guard path.hasPrefix("tile/0/000") else { throw LedgerError(.outOfRange, path) }
            return tile
        }
    }

    @Test("A ledger that grows is accepted and remembered each time")
    func growth() async throws {
        let key = try key(1)
        #expect(try await memory.compare(source(0..<5, key), key: key.verifierKey) == nil)
        #expect(try await memory.compare(source(0..<9, key), key: key.verifierKey) == 5)
        #expect(try memory.last(of: key.verifierKey)?.size == 9)
    }

    @Test("A ledger that was rolled back is refused, and what was seen before stays remembered")
    func rollback() async throws {
        let key = try key(1)
        _ = try await memory.compare(source(0..<9, key), key: key.verifierKey)
        let shorter = try source(0..<5, key)
        let error = await #expect(throws: LedgerError.self) { try await memory.compare(shorter, key: key.verifierKey) }
        #expect(error?.code == .fork)
        #expect(try memory.last(of: key.verifierKey)?.size == 9)
    }

    @Test("A ledger that was written anew is refused though its own key signed it")
    func rewritten() async throws {
        let key = try key(1)
        _ = try await memory.compare(source(0..<5, key), key: key.verifierKey)
        let other = try source(0..<9, key, salt: 7)
        let error = await #expect(throws: LedgerError.self) { try await memory.compare(other, key: key.verifierKey) }
        #expect(error?.code == .fork)
    }

    @Test("A ledger of the same origin with another key is refused")
    func otherKey() async throws {
        let (key, other) = (try key(1), try key(2))
        _ = try await memory.compare(source(0..<5, key), key: key.verifierKey)
        let replaced = try source(0..<5, other)
        let error = await #expect(throws: LedgerError.self) {
            try await memory.compare(replaced, key: other.verifierKey)
        }
        #expect(error?.code == .fork)
    }
}
