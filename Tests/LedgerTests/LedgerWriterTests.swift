import DurableFiles
import Testing

@testable import Ledger

@Suite struct LedgerWriterTests {
    @Test(
        "The root and every tile equal those of the plain tree, at sizes around each boundary",
        arguments: [1, 2, 255, 256, 257, 511, 512, 700, 66_000])
    func tilesEqualReference(size: UInt64) throws {
        let fixture = try LedgerFixture()
        let writer = try fixture.build([size / 2, size])
        let tree = TreeOfLeaves(size: Int(size))
        #expect(writer.root == tree.root(Int(size)))
        for level in 0...2 {
            let hashes = TilePath.count(of: .hashes(level: level), inTreeOf: size)
            for index in 0..<(hashes + 255) / 256 {
                let width = min(256, hashes - index * 256)
                let tile = try TreeHash.list(writer.reader.tile(level: level, index: index, width: Int(width)))
                let span = 1 << (8 * level)
                for position in [0, tile.count / 2, tile.count - 1] {
                    let start = (Int(index) * 256 + position) * span
                    #expect(tile[position] == tree.hash(start..<start + span))
                }
            }
        }
    }

    @Test("After reopening, the ledger goes on with the same root")
    func reopens() throws {
        let fixture = try LedgerFixture()
        var size: UInt64 = 0
        for step: UInt64 in [1, 254, 1, 1, 255, 300, 65_000] {
            let writer = try fixture.open()
            #expect(writer.durableSize == size)
            try writer.append(TreeOfLeaves.entries(size..<size + step), at: size)
            size += step
            let published = try writer.publish()
            #expect(published.checkpoint.size == size)
        }
        #expect(try fixture.open().root == TreeOfLeaves(size: Int(size)).root(Int(size)))
    }

    @Test("What was not published is supplied again after a restart and gives the same checkpoint")
    func unpublishedEntriesAreSuppliedAgain() throws {
        let fixture = try LedgerFixture()
        let writer = try fixture.build([300])
        try writer.append(TreeOfLeaves.entries(300..<900), at: 300)
        let reopened = try fixture.open()
        #expect(reopened.size == 300)
        try reopened.append(TreeOfLeaves.entries(100..<900), at: 100)
        #expect(try reopened.publish().checkpoint.root == TreeOfLeaves(size: 900).root(900))
    }

    @Test("Synchronised entries survive a restart without a checkpoint")
    func synchronizedEntriesSurvive() throws {
        let fixture = try LedgerFixture()
        let writer = try fixture.build([300])
        try writer.append(TreeOfLeaves.entries(300..<900), at: 300)
        #expect(try writer.synchronize() == 900)
        let reopened = try fixture.open()
        #expect(reopened.durableSize == 900)
        #expect(reopened.reader.size == 300)
        #expect(try reopened.publish().checkpoint.root == TreeOfLeaves(size: 900).root(900))
    }

    @Test("An entry supplied again with other content is refused with its index")
    func mismatchIsNamed() throws {
        let fixture = try LedgerFixture()
        let writer = try fixture.build([300])
        var entries = TreeOfLeaves.entries(250..<310)
        entries[20] = TreeOfLeaves.entry(999)
        #expect(throws: LedgerError(.leafMismatch, "leaf 270 differs from the one that the ledger has")) {
            try writer.append(entries, at: 250)
        }
        #expect(writer.size == 300)
    }

    @Test("Entries are taken in any portions before they are published")
    func portions() throws {
        let fixture = try LedgerFixture()
        let writer = try fixture.open()
        for end: UInt64 in [1, 1, 5, 260, 600] {
            try writer.append(TreeOfLeaves.entries(writer.size..<end), at: writer.size)
        }
        #expect(throws: LedgerError.self) { try writer.append([TreeOfLeaves.entry(599)], at: 599) }
        #expect(writer.size == 600)
        #expect(writer.durableSize == 0)
        #expect(try writer.publish().checkpoint.root == TreeOfLeaves(size: 600).root(600))
        try writer.append(TreeOfLeaves.entries(590..<610), at: 590)
        #expect(writer.size == 610)
    }

    @Test("Entries after a gap are refused")
    func gapIsRefused() throws {
        let fixture = try LedgerFixture()
        let writer = try fixture.build([10])
        #expect(throws: LedgerError(.gap, "entries from index 11 on leave a gap after 10")) {
            try writer.append([TreeOfLeaves.entry(11)], at: 11)
        }
    }

    @Test("Publishing without news returns the same checkpoint")
    func publishingTwiceChangesNothing() throws {
        let fixture = try LedgerFixture()
        let writer = try fixture.build([10])
        #expect(try writer.publish() == writer.publish())
    }

    @Test("An empty ledger publishes the empty root")
    func emptyLedger() throws {
        let fixture = try LedgerFixture()
        let checkpoint = try fixture.open().publish().checkpoint
        #expect(checkpoint.size == 0)
        #expect(checkpoint.root.hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }
}
