import DurableFiles
import Journal
import SystemPackage
import Testing

@Suite("Appending")
struct AppendTests {
    private let disk = FaultingFileSystem(seed: 1)
    private let today = JournalPartition(day: 20_780, retentionClass: 1)

    private func page(_ records: [String], _ partition: JournalPartition? = nil) throws -> JournalPage {
        try JournalPage(
            records: records.flatMap { Array($0.utf8) }, lengths: records.map { UInt32($0.utf8.count) },
            partition: partition ?? today)
    }

    @Test("Indexes are dense, in order and contiguous in a page; dropped records get none")
    func masks() throws {
        let journal = try Workload.open(disk)
        var second = RecordMask(keepingAll: 3)
        second.drop(1)
        var third = RecordMask(keepingAll: 1)
        third.drop(0)
        third.drop(0)
        let appended = try journal.append([
            (try page(["a", "b"]), RecordMask(keepingAll: 2)), (try page(["c", "d", "e"]), second),
            (try page(["f"]), third), (try page(["g"]), RecordMask(keepingAll: 1)),
        ])
        #expect(appended.firstIndexes == [0, 2, nil, 4])
        #expect(appended.indexes == 0..<5)
        #expect(journal.nextIndex == 5)
        let texts = try Workload.contents(of: journal.reader).map { String(decoding: $0.bytes, as: UTF8.self) }
        #expect(texts == ["a", "b", "c", "e", "g"])
    }

    @Test("A group of which nothing is kept writes nothing")
    func nothingKept() throws {
        let journal = try Workload.open(disk)
        disk.setFaults([])
        var mask = RecordMask(keepingAll: 1)
        mask.drop(0)
        let appended = try journal.append([(try page(["a"]), mask)])
        #expect(appended.firstIndexes == [nil] && appended.indexes.isEmpty)
        #expect(try journal.append([]).indexes.isEmpty)
        #expect(disk.operationCount == 0)
    }

    @Test("A group costs one write and one synchronisation")
    func oneSynchronisation() throws {
        let journal = try Workload.open(disk)
        disk.setFaults([])
        _ = try journal.append([
            (try page(["a"]), RecordMask(keepingAll: 1)), (try page(["b"]), RecordMask(keepingAll: 1)),
        ])
        #expect(disk.operationCount == 2)
    }

    @Test("A page never takes more of a frame than it says, and any small size of files works", arguments: 0..<20)
    func frameBytes(seed: Int) throws {
        var workload = Workload(seed: UInt64(seed))
        let journal = try Workload.open(disk, fileBytes: 0)
        for _ in 0..<4 {
            let before = try disk.freeBytes(at: "/")
            let pages = try workload.group().pages
            _ = try journal.append(pages)
            let taken = Int(before - (try disk.freeBytes(at: "/")))
            let overhead = JournalLimits.frameBytes - JournalLimits.groupBytes
            // A new file's header is 96 bytes.
            #expect(taken <= pages.reduce(overhead + 96) { $0 + $1.page.frameBytes })
        }
        #expect(try Workload.open(disk, fileBytes: 0).nextIndex == journal.nextIndex)
    }

    @Test("Each (bundle, partition) has one random seed of its own, through restarts and new files")
    func seeds() throws {
        var all = SeedTable()
        var roots: Set<Bytes32> = []
        let tomorrow = JournalPartition(day: today.day + 1, retentionClass: 1)
        for round in 0..<20 {
            let journal = try Workload.open(disk, seed: UInt64(round), fileBytes: 900)
            for partition in [today, tomorrow] {
                let records = Array(repeating: "x", count: 37)
                let appended = try journal.append([(try page(records, partition), RecordMask(keepingAll: 37))])
                for (key, seed) in appended.seeds.sorted {
                    #expect(all[bundle: key.bundle, key.partition] ?? seed == seed)
                    all[bundle: key.bundle, key.partition] = seed
                }
            }
        }
        for (_, seed) in all.sorted { roots.insert(try #require(seed.root)) }
        #expect(roots.count == all.count)
        #expect(all.count == (20 * 74 + 255) / 256 * 2)
    }

    @Test("A page or group beyond a limit is refused before anything is written")
    func limits() throws {
        func refusal(_ body: () throws -> Void) -> JournalError.Code? {
            (#expect(throws: JournalError.self) { try body() })?.code
        }
        let large = [UInt8](repeating: 1, count: JournalLimits.recordBytes + 1)
        #expect(refusal { _ = try page([]) } == .malformedPage)
        #expect(refusal { _ = try page([""]) } == .malformedPage)
        #expect(
            refusal { _ = try JournalPage(records: large, lengths: [UInt32(large.count)], partition: today) }
                == .tooLarge)
        #expect(refusal { _ = try JournalPage(records: [1, 2], lengths: [1], partition: today) } == .malformedPage)
        let many = [UInt8](repeating: 1, count: JournalLimits.pageRecords + 1)
        #expect(
            refusal { _ = try JournalPage(records: many, lengths: many.map(UInt32.init), partition: today) }
                == .tooLarge)
        let huge = [UInt8](repeating: 1, count: JournalLimits.pageBytes + 1)
        #expect(refusal { _ = try JournalPage(records: huge, lengths: [1], partition: today) } == .tooLarge)

        let journal = try Workload.open(disk)
        disk.setFaults([])
        let one = (page: try page(["a"]), kept: RecordMask(keepingAll: 1))
        #expect(
            refusal { _ = try journal.append(Array(repeating: one, count: JournalLimits.framePages + 1)) } == .tooLarge)
        #expect(refusal { _ = try journal.append([(one.page, RecordMask(keepingAll: 2))]) } == .malformedPage)
        var generator = SeededGenerator(seed: 1)
        let noise = (0..<JournalLimits.recordBytes / 8).flatMap { _ in
            withUnsafeBytes(of: generator.next()) { Array($0) }
        }
        let incompressible = try JournalPage(records: noise, lengths: [UInt32(noise.count)], partition: today)
        let entry = (page: incompressible, kept: RecordMask(keepingAll: 1))
        #expect(refusal { _ = try journal.append(Array(repeating: entry, count: 33)) } == .tooLarge)
        #expect(disk.operationCount == 0 && journal.nextIndex == 0)
        #expect(try journal.append([entry, one]).indexes == 0..<2)
    }

    @Test("Recycling removes whole files below the index, keeps the newest, and the next index survives")
    func recycling() throws {
        var workload = Workload(seed: 2)
        var journal = try Workload.open(disk, fileBytes: 2_000)
        for _ in 0..<20 { try workload.append(to: journal) }
        let next = journal.nextIndex
        #expect(try journal.recycle(before: 0) == 0)
        #expect(try journal.recycle(before: next) > 1)
        #expect(try journal.recycle(before: next) == 0)
        let first = journal.reader.indexes.lowerBound
        #expect(first > 0 && first <= next / 256 * 256)
        #expect(throws: JournalError.self) { try journal.reader.read(from: first - 1) { _ in } }

        disk.restartMachine()
        journal = try Workload.open(disk, fileBytes: 2_000)
        #expect(journal.nextIndex == next && journal.reader.indexes == first..<next)
        for _ in 0..<5 { try workload.append(to: journal) }
        #expect(
            try Workload.contents(of: journal.reader, from: first) == Array(workload.acknowledged[Int(first)...]))
    }
}
