import DurableFiles
import Journal
import Testing

@Suite("Seeds that lose keys")
struct PunctureTests {
    private static func seed(_ number: UInt64) -> SaltSeed {
        var generator = SeededGenerator(seed: number)
        return SaltSeed(root: Bytes32(using: &generator))
    }

    private static func key(_ seed: SaltSeed, _ position: UInt8) -> Bytes32? {
        var deriver = SaltDeriver(seed)
        return deriver.key(at: position)
    }

    @Test(
        "A restricted seed gives the same keys for what stays and none for anything else",
        arguments: 1...20 as ClosedRange<UInt64>)
    func restricted(number: UInt64) {
        var generator = SeededGenerator(seed: number)
        let whole = Self.seed(number)
        let isKept = (0..<256).map { _ in UInt64.random(in: 0..<20, using: &generator) < number }
        let part = whole.restricted { isKept[Int($0)] }
        for position in UInt8.min...UInt8.max {
            #expect(Self.key(part, position) == (isKept[Int(position)] ? Self.key(whole, position) : nil))
        }
        let rest = whole.restricted { !isKept[Int($0)] }
        let joined = part.joined(with: rest)
        for position in UInt8.min...UInt8.max {
            #expect(joined.flatMap { Self.key($0, position) } == Self.key(whole, position))
        }
        #expect(part.joined(with: whole) == nil || isKept.allSatisfy { !$0 })
    }

    @Test("Taking one key out leaves the eight siblings on its path, and what takes its place")
    func oneKey() throws {
        let salt = [UInt8](repeating: 7, count: 16)
        let parts = [EventRemains.Part](repeating: .salt(salt), count: 5) + [.hash(.zero)]
        let remains = try #require(EventRemains(position: 100, parts: parts))
        let punctured = Self.seed(1).replacingKey(with: remains)
        #expect(punctured.subtrees.count == 8 && punctured.remains(at: 100) == remains)
        #expect(Self.key(punctured, 100) == nil && Self.key(punctured, 101) == Self.key(Self.seed(1), 101))
        #expect("\(punctured) \(remains)".contains("7, 7") == false)
        // Remains without a destroyed group, with too few parts or short salts are none.
        #expect(EventRemains(position: 1, parts: [EventRemains.Part](repeating: .salt(salt), count: 6)) == nil)
        #expect(EventRemains(position: 1, parts: [.hash(.zero)]) == nil)
        #expect(SaltSeed(subtrees: Self.seed(1).subtrees, remains: [remains]) == nil)
    }

    @Test("A file begun for a destruction has new seeds, and everything before it can go though its bundle is open")
    func separation() throws {
        let disk = FaultingFileSystem(seed: 1)
        let journal = try Workload.open(disk, fileBytes: 1 << 20)
        let today = JournalPartition(day: 20_780, retentionClass: 1)
        func append(beginsFile: Bool) throws -> JournalAppend {
            let page = try JournalPage(records: Array("ab".utf8), lengths: [1, 1], partition: today)
            return try journal.append([(page, RecordMask(keepingAll: 2))], beginsFile: beginsFile)
        }
        let first = try append(beginsFile: false)
        #expect(try journal.recycle(before: 2) == 0)
        let second = try append(beginsFile: true)
        #expect(second.indexes == 2..<4)
        #expect(first.seeds[bundle: 0, today] != second.seeds[bundle: 0, today])
        #expect(try journal.recycle(before: 1) == 0)
        #expect(try journal.recycle(before: 2) == 1)
        #expect(journal.reader.indexes == 2..<4)
        // The seed goes on, also after a restart.
        let third = try append(beginsFile: false)
        #expect(third.seeds[bundle: 0, today] == second.seeds[bundle: 0, today])
        let reopened = try Workload.open(disk, fileBytes: 1 << 20)
        #expect(reopened.reader.indexes == 2..<6)
        #expect(try Workload.contents(of: reopened.reader, from: 2).count == 4)
    }
}
