import EventModel
import Intake
import Testing

@Suite("The deduplication table")
struct DeduplicationTableTests {
    private let keyer = DeliveryKeyer(secret: Array(repeating: 7, count: 32))

    private func key(_ delivery: String, source: String = "github", connector: String = "github-webhook") -> DeliveryKey
    {
        var delivery = delivery
        return delivery.withUTF8 {
            keyer.key(sourceName: source, connector: connector, delivery: UnsafeRawBufferPointer($0))
        }
    }

    @Test("Of more parts than fit, the newest that fit whole are read again, in their order, and at least one")
    func newestParts() {
        func newest(_ limit: Int, _ parts: [(UInt64, Int)]) -> [Int] {
            DeduplicationTable.newest(limit, of: parts.map { (last: LeafIndex($0.0), entries: $0.1) })
        }
        let parts: [(UInt64, Int)] = [(9_000, 1_000), (3_000, 2_000), (12_000, 3_000), (7_000, 1_000)]
        #expect(newest(10_000, parts) == [0, 1, 2, 3])
        #expect(newest(7_000, parts) == [0, 1, 2, 3])
        #expect(newest(6_999, parts) == [0, 2, 3])
        #expect(newest(4_500, parts) == [0, 2])
        // One that does not fit ends it: nothing older is kept without what came between.
        #expect(newest(3_999, parts) == [2])
        #expect(newest(2_000, parts) == [2])
        #expect(newest(2_000, []) == [])
    }

    @Test("The same key with the same bytes is a duplicate, with other bytes a conflict, an unknown key is new")
    func matches() {
        var table = DeduplicationTable(limit: 10_000)
        let (same, other): (UInt64, UInt64) = (0x1111_2222_3333_4444, 0x9999_2222_3333_4444)
        #expect(table.match(key("a"), payload: same) == .new)
        table.insert(key("a"), payload: same, index: LeafIndex(0))
        #expect(table.match(key("a"), payload: same) == .duplicate(LeafIndex(0)))
        #expect(table.match(key("a"), payload: other) == .conflict(LeafIndex(0)))
        #expect(table.match(key("b"), payload: same) == .new)
    }

    @Test("Source and connector are part of the key")
    func scope() {
        #expect(key("a") != key("a", source: "gitlab"))
        #expect(key("a") != key("a", connector: "github-audit-log"))
        #expect(key("bc", source: "a") != key("c", source: "ab"))
    }

    @Test("The first holder of a key stays when another event uses it with other bytes")
    func firstStays() {
        var table = DeduplicationTable(limit: 10_000)
        table.insert(key("a"), payload: 1 << 40, index: LeafIndex(3))
        table.insert(key("a"), payload: 2 << 40, index: LeafIndex(9))
        #expect(table.match(key("a"), payload: 1 << 40) == .duplicate(LeafIndex(3)))
    }

    @Test("Everything that was inserted is found while the table grows")
    func grows() {
        var table = DeduplicationTable(limit: 1_000_000)
        let keys = (0..<50_000).map { key("delivery-\($0)") }
        for (index, key) in keys.enumerated() {
            table.insert(key, payload: UInt64(index) << 32, index: LeafIndex(UInt64(index)))
        }
        #expect(table.count == 50_000)
        for (index, key) in keys.enumerated() {
            #expect(table.match(key, payload: UInt64(index) << 32) == .duplicate(LeafIndex(UInt64(index))))
        }
    }

    @Test(
        "Many events at once are remembered as one by one, with and without room",
        arguments: [0, 9_000], [1, 1_000, DeduplicationTable.sortedTogether])
    func bulk(reserved: Int, together: Int) {
        // Every seventh key occurs twice, every tenth event has none.
        let events = (0..<9_000).map { number in
            number % 10 == 3 ? nil : (key("\(number % 7 == 0 ? number / 2 : number)"), UInt64(number) << 32)
        }
        var single = DeduplicationTable(limit: 100_000)
        var bulk = single
        for (number, event) in events.enumerated() {
            guard let event else { continue }
            single.insert(event.0, payload: event.1, index: LeafIndex(UInt64(number)))
        }
        bulk.reserve(reserved)
        // In two parts, which share the memory for putting them in order.
        let order = DeduplicationTable.Order(together)
        for part in [0..<4_001, 4_001..<events.count] {
            bulk.insert(part.count, by: order, key: { events[part.lowerBound + $0]?.0 }) { position in
                let number = part.lowerBound + position
                return (UInt64(number) << 32, LeafIndex(UInt64(number)))
            }
        }
        #expect(bulk.count == single.count)
        for event in events {
            guard let event else { continue }
            #expect(bulk.match(event.0, payload: event.1) == single.match(event.0, payload: event.1))
        }
    }

    @Test("Room for more than the limit is not made, and what was there is found afterwards")
    func reserve() {
        var table = DeduplicationTable(limit: 5_000)
        table.insert(key("a"), payload: 1 << 40, index: LeafIndex(3))
        table.reserve(.max / 2)
        #expect(table.match(key("a"), payload: 1 << 40) == .duplicate(LeafIndex(3)))
        #expect(table.count == 1)
    }

    @Test("What is forgotten is new again, and may be taken by another event")
    func forgets() {
        var table = DeduplicationTable(limit: 10_000)
        table.insert(key("old"), payload: 1 << 40, index: LeafIndex(1))
        table.insert(key("young"), payload: 1 << 40, index: LeafIndex(5))
        table.forget(below: LeafIndex(5))
        #expect(table.match(key("old"), payload: 1 << 40) == .new)
        #expect(table.match(key("young"), payload: 1 << 40) == .duplicate(LeafIndex(5)))
        table.insert(key("old"), payload: 2 << 40, index: LeafIndex(6))
        #expect(table.match(key("old"), payload: 2 << 40) == .duplicate(LeafIndex(6)))
    }

    @Test("Beyond its limit the table forgets the oldest, and never more than half")
    func limit() {
        var table = DeduplicationTable(limit: 2_000)
        for index in 0..<20_000 {
            table.insert(key("\(index)"), payload: 0, index: LeafIndex(UInt64(index)))
        }
        #expect(table.count <= 4_096)
        #expect(table.match(key("19999"), payload: 0) == .duplicate(LeafIndex(19_999)))
        #expect(table.match(key("19000"), payload: 0) == .duplicate(LeafIndex(19_000)))
        #expect(table.match(key("0"), payload: 0) == .new)
    }
}
