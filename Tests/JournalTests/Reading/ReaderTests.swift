import DurableFiles
import Foundation
import Journal
import SystemPackage
import Testing

@Suite("Reading")
struct ReaderTests {
    @Test("A range gives exactly its records, wherever it begins and ends")
    func ranges() throws {
        let disk = FaultingFileSystem(seed: 1)
        var workload = Workload(seed: 9)
        let journal = try Workload.open(disk, fileBytes: 2_000)
        for _ in 0..<12 { try workload.append(to: journal) }
        let all = workload.acknowledged.map(\.bytes)
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<300 {
            let start = Int.random(in: 0...all.count, using: &generator)
            let end = Int.random(in: start...all.count, using: &generator)
            let batches = try journal.reader.records(in: UInt64(start)..<UInt64(end))
            let found = batches.flatMap { batch in (0..<batch.records.count).map { batch.records.copy(of: $0) } }
            #expect(found == Array(all[start..<end]))
            #expect(batches.allSatisfy { $0.records.count == $0.indexes.count })
        }
    }

    @Test("Of one class exactly its records are read, each at its index")
    func ofOneClass() throws {
        let disk = FaultingFileSystem(seed: 1)
        var workload = Workload(seed: 11)
        let journal = try Workload.open(disk, fileBytes: 2_000)
        for _ in 0..<12 { try workload.append(to: journal) }
        var found: [UInt64: [UInt8]] = [:]
        try journal.reader.read(from: 5, where: { $0.retentionClass == 1 }) { batch in
            #expect(batch.partition.retentionClass == 1)
            for (position, index) in batch.indexes.enumerated() { found[index] = batch.records.copy(of: position) }
        }
        let expected = workload.acknowledged.enumerated().filter {
            $0.offset >= 5 && $0.element.partition.retentionClass == 1
        }
        #expect(!expected.isEmpty && expected.count < workload.acknowledged.count - 5)
        #expect(found == Dictionary(uniqueKeysWithValues: expected.map { (UInt64($0.offset), $0.element.bytes) }))
    }

    @Test("Reading beyond the end is an error; reading from the end is nothing")
    func beyond() throws {
        let journal = try Workload.open(FaultingFileSystem(seed: 1))
        try journal.reader.read(from: 0) { _ in Issue.record("there is nothing") }
        try journal.reader.read(from: 7) { _ in Issue.record("there is nothing") }
        let error = #expect(throws: JournalError.self) { _ = try journal.reader.records(in: 0..<1) }
        #expect(error?.code == .notInJournal)
    }

    @Test("Readers on other threads see a growing prefix while the writer appends, rotates and recycles")
    func concurrent() async throws {
        let disk = FaultingFileSystem(seed: 1)
        let journal = try Workload.open(disk, fileBytes: 20_000)
        let reader = journal.reader
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    var next: UInt64 = 0
                    while next < 5_000 {
                        next = max(next, reader.indexes.lowerBound)
                        do {
                            try reader.read(from: next) { batch in
                                #expect(batch.firstIndex == next)
                                try batch.forEach { index, bytes, _ in
                                    #expect(bytes.elementsEqual("record \(index)".utf8))
                                }
                                next = batch.indexes.upperBound
                            }
                        } catch let error as JournalError where error.code == .notInJournal {
                            #expect(next < reader.indexes.lowerBound)
                        }
                        await Task.yield()
                    }
                }
            }
            while journal.nextIndex < 5_000 {
                let first = journal.nextIndex
                let records = (first..<first + 25).map { Array("record \($0)".utf8) }
                let page = try JournalPage(
                    records: records.flatMap { $0 }, lengths: records.map { UInt32($0.count) },
                    partition: JournalPartition(day: 1, retentionClass: 0))
                _ = try journal.append([(page, RecordMask(keepingAll: 25))])
                if first % 1_000 == 0 { try journal.recycle(before: first) }
                await Task.yield()
            }
            try await group.waitForAll()
        }
    }

    @Test("On a real disk everything is private to its account, and is found again")
    func realDisk() throws {
        let root = FilePath(FileManager.default.temporaryDirectory.path).appending("journal-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(atPath: root.string) }
        let directory = root.appending("journal")
        var workload = Workload(seed: 6)
        do {
            let journal = try JournalWriter(
                directory: directory, fileSystem: RealFileSystem(), random: SystemRandomNumberGenerator(),
                configuration: JournalConfiguration(fileBytes: 4_000))
            #expect(journal.recovery.isNew)
            for _ in 0..<6 { try workload.append(to: journal) }
        }
        let journal = try JournalWriter(
            directory: directory, fileSystem: RealFileSystem(), random: SystemRandomNumberGenerator())
        #expect(try Workload.contents(of: journal.reader) == workload.acknowledged)
        let mode = { try FileManager.default.attributesOfItem(atPath: $0)[.posixPermissions] as? Int }
        #expect(try mode(directory.string) == 0o700)
        for name in try RealFileSystem().list(directory) {
            #expect(try mode(directory.appending(name).string) == 0o600)
        }
    }
}
