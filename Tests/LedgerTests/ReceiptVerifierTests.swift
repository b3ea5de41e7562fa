import Testing

@testable import Ledger

@Suite("Receipts held against the log")
struct ReceiptVerifierTests {
    private static let accepted: UInt64 = 1_790_000_000_000

    /// A log of 700 leaves, and a receipt for some of them.
    private func receipt(
        _ fixture: LedgerFixture, _ range: Range<UInt64>, hashes: [TreeHash]? = nil, delay: UInt64 = 60
    ) throws -> [UInt8] {
        try Receipt(
            origin: fixture.key.verifierKey.name, firstIndex: range.lowerBound,
            leafHashes: hashes ?? TreeOfLeaves.entries(range).map(\.leafHash), accepted: Self.accepted,
            maximumDelay: delay
        ).signed(by: fixture.key)
    }

    private func verifier(_ fixture: LedgerFixture, _ source: any TileSource, size: Int = 700) -> ReceiptVerifier {
        ReceiptVerifier(
            source: source,
            checkpoint: Checkpoint(
                origin: fixture.key.verifierKey.name, size: UInt64(size), root: TreeOfLeaves(size: size).root(size)),
            keys: [fixture.key.verifierKey])
    }

    @Test(
        "Leaves that are there as promised are kept, within a bundle, over several, and to the last",
        arguments: [0..<1, 250..<260, 200..<700, 255..<256, 256..<512, 699..<700] as [Range<UInt64>])
    func kept(range: Range<UInt64>) async throws {
        let fixture = try LedgerFixture()
        let reader = try fixture.build([700]).reader
        let (receipt, outcome) = try await verifier(fixture, reader).judge(try receipt(fixture, range), now: 0)
        #expect(outcome == .kept && receipt.firstIndex == range.lowerBound && receipt.count == UInt64(range.count))
    }

    @Test("What no checkpoint covers is pending until the time that was promised is over, then late")
    func late() async throws {
        let fixture = try LedgerFixture()
        let verifier = verifier(fixture, try fixture.build([700]).reader)
        let note = try receipt(fixture, 690..<710)
        let due = Self.accepted + 60_000
        #expect(try await verifier.judge(note, now: due).1 == .pending)
        #expect(try await verifier.judge(note, now: due + 1).1 == .late)
        // A promise without end is never late.
        let endless = try receipt(fixture, 690..<710, delay: .max)
        #expect(try await verifier.judge(endless, now: .max).1 == .pending)
    }

    @Test("Other leaves in the place of those that were promised break the promise")
    func broken() async throws {
        let fixture = try LedgerFixture()
        let verifier = verifier(fixture, try fixture.build([700]).reader)
        var hashes = TreeOfLeaves.entries(100..<110).map(\.leafHash)
        hashes.swapAt(3, 4)
        #expect(try await verifier.judge(try receipt(fixture, 100..<110, hashes: hashes), now: 0).1 == .broken)
        let moved = TreeOfLeaves.entries(101..<111).map(\.leafHash)
        #expect(try await verifier.judge(try receipt(fixture, 100..<110, hashes: moved), now: 0).1 == .broken)
    }

    @Test("A receipt of another key, and tiles that are not the log's, are errors")
    func foreign() async throws {
        let fixture = try LedgerFixture()
        let reader = try fixture.build([700]).reader
        let other = try LedgerKey(name: "custody/0123abcd", seed: Array(repeating: 9, count: 32))
        let foreign = try Receipt(
            origin: "custody/0123abcd", firstIndex: 0, leafHashes: [TreeOfLeaves(size: 1).root(1)], accepted: 0,
            maximumDelay: 1
        ).signed(by: other)
        await #expect(throws: LedgerError.self) { try await verifier(fixture, reader).judge(foreign, now: 0) }
        await #expect(throws: LedgerError.self) {
            try await verifier(fixture, reader).judge(Array("no receipt".utf8), now: 0)
        }
        // A server that shows other tiles for the promised leaves cannot show that they are under the checkpoint.
        let forged = ForgedTiles(reader)
        let hashes = TreeOfLeaves.entries(100..<110).map(\.leafHash)
        await #expect(throws: LedgerError.self) {
            try await verifier(fixture, forged).judge(try receipt(fixture, 100..<110, hashes: hashes), now: 0)
        }
    }

    /// The log's tiles, but for one hash of the first.
    private struct ForgedTiles: TileSource {
        let source: LedgerReader
        init(_ source: LedgerReader) { self.source = source }

        func checkpoint() async throws -> [UInt8] { try source.checkpoint() }
        func bytes(_ path: TilePath) async throws -> [UInt8] {
            var bytes = try source.bytes(path)
            if path.content == .hashes(level: 0), path.index == 0 { bytes[0] ^= 1 }
            return bytes
        }
    }
}
