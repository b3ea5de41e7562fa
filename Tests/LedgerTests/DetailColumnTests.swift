import DurableFiles
import Testing

@testable import Ledger

@Suite struct DetailColumnTests {
    @Test("The documented example is coded as documented")
    func example() {
        var column = DetailColumn()
        var bytes: [UInt8] = []
        let time: UInt64 = 1_795_435_200_123
        column.encode(LeafEntry(kind: .event, retentionClass: 2, received: time, root: .zero), to: &bytes)
        #expect(LowercaseHex.encode(bytes) == "81000002f6f9b784c168")
        column.encode(LeafEntry(kind: .segmentSeal, retentionClass: 2, received: time + 5, root: .zero), to: &bytes)
        #expect(LowercaseHex.encode(bytes.suffix(5)) == "810600020a")
        column.encode(LeafEntry(kind: .segmentSeal, retentionClass: 2, received: time + 132, root: .zero), to: &bytes)
        #expect(bytes.last == 127)
        column.encode(LeafEntry(kind: .segmentSeal, retentionClass: 2, received: time + 131, root: .zero), to: &bytes)
        #expect(LowercaseHex.encode(bytes.suffix(2)) == "8001")
    }

    @Test("Any entries, of the widest differences too, are read back as they were written")
    func roundTrip() throws {
        var generator = SeededGenerator(seed: 7)
        let times: [UInt64] = [0, .max, 1, .max / 2, .max / 2 + 1, 1_790_000_000_000]
        let entries = (0..<2000).map { _ in
            LeafEntry(
                kind: LeafKind(rawValue: UInt8.random(in: 0...2, using: &generator) * 127),
                retentionClass: UInt16.random(in: 0...1, using: &generator) * 65_535,
                received: (times.randomElement(using: &generator) ?? 0)
                    &+ UInt64.random(in: 0...300, using: &generator),
                root: .zero)
        }
        var writing = DetailColumn()
        var bytes: [UInt8] = []
        for entry in entries {
            let before = bytes.count
            writing.encode(entry, to: &bytes)
            #expect(bytes.count - before <= DetailColumn.maximumCodeSize)
        }
        var reading = DetailColumn()
        var offset = 0
        for entry in entries {
            #expect(try reading.decode(bytes, at: &offset, root: .zero) == entry)
        }
        #expect(offset == bytes.count)
    }

    @Test(
        "Codes that are never written are refused",
        arguments: [
            [], [0x80], [0x80, 0x02], [0x80, 0x80, 0x00], [0x82], [0xff], [0x81, 0, 0, 0, 0], [0x81, 1, 0],
            [0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],
        ] as [[UInt8]])
    func refusals(bytes: [UInt8]) {
        var column = DetailColumn()
        var offset = 0
        #expect(throws: LedgerError.self) { try column.decode(bytes, at: &offset, root: .zero) }
    }
}
