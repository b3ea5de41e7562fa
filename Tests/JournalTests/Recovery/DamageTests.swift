import DurableFiles
import Journal
import SystemPackage
import Testing

@Suite("Damage")
struct DamageTests {
    private let disk = FaultingFileSystem(seed: 5)
    private let files: [FilePath]
    private let workload: Workload

    init() throws {
        var workload = Workload(seed: 5)
        let journal = try Workload.open(disk)
        for _ in 0..<8 { try workload.append(to: journal) }
        self.workload = workload
        files = try disk.list(Workload.directory).map { Workload.directory.appending($0) }
    }

    private func findings() throws -> [JournalVerifier.Finding] {
        var findings: [JournalVerifier.Finding] = []
        let verifier = JournalVerifier(directory: Workload.directory, fileSystem: disk)
        let summary = try verifier.verify { findings.append($0) }
        #expect(summary.findingCount == findings.count)
        return findings
    }

    @Test("An untouched journal verifies, record by record")
    func untouched() throws {
        let verifier = JournalVerifier(directory: Workload.directory, fileSystem: disk)
        var records: [[UInt8]] = []
        let summary = try verifier.verify(
            visit: { batch in for record in 0..<batch.records.count { records.append(batch.records.copy(of: record)) }
            },
            report: { Issue.record("\($0)") })
        #expect(records == workload.acknowledged.map(\.bytes))
        #expect(summary.recordCount == UInt64(records.count))
        #expect(summary.firstIndex == 0 && summary.nextIndex == summary.recordCount)
        #expect(files.count > 2)
    }

    @Test("A flipped bit anywhere is found at its file, at or before its byte, and nothing is written")
    func flippedBits() throws {
        for path in files {
            let original = try disk.contents(of: path)
            for byte in stride(from: 0, to: original.count, by: 41) + Array(90..<140) {
                disk.alter(path) { $0[byte] ^= 1 << UInt8(byte % 8) }
                disk.setFaults([])
                let found = try findings()
                let first = try #require(found.first, "byte \(byte) of \(path)")
                #expect(first.file == path && first.offset <= UInt64(byte))
                #expect(disk.operationCount == 0)
                disk.alter(path) { $0 = original }
            }
        }
        #expect(try findings().isEmpty)
    }

    @Test("Opening refuses a flipped bit in an acknowledged frame, names file and byte, and removes nothing")
    func openRefusesFlippedBits() throws {
        for path in files {
            let original = try disk.contents(of: path)
            for byte in stride(from: 1, to: original.count, by: 61) {
                disk.alter(path) { $0[byte] ^= 0x10 }
                let error = #expect(throws: JournalError.self) { _ = try Workload.open(disk) }
                #expect(error?.code == .altered && error?.file == path)
                #expect((error?.offset ?? .max) <= UInt64(byte))
                disk.alter(path) { $0 = original }
            }
        }
        #expect(try disk.list(Workload.directory).map { Workload.directory.appending($0) } == files)
        #expect(try Workload.contents(of: Workload.open(disk).reader) == workload.acknowledged)
    }

    @Test("A reader never hands out a damaged record")
    func readerChecks() throws {
        let journal = try Workload.open(disk)
        let original = try disk.contents(of: files[0])
        for byte in stride(from: 96, to: original.count, by: 37) {
            disk.alter(files[0]) { $0[byte] ^= 4 }
            #expect(throws: JournalError.self) { try journal.reader.read(from: 0) { _ in } }
            disk.alter(files[0]) { $0 = original }
        }
    }

    @Test("A missing, shortened or exchanged file is an error, not a torn write")
    func missingFile() throws {
        let (first, second) = (try disk.contents(of: files[0]), try disk.contents(of: files[1]))
        disk.alter(files[0]) { $0.removeLast(5) }
        #expect(throws: JournalError.self) { _ = try Workload.open(disk) }
        disk.alter(files[0]) { $0 = first }
        disk.alter(files[1]) { $0 = first }
        #expect(throws: JournalError.self) { _ = try Workload.open(disk) }
        disk.alter(files[1]) { $0 = second }
        try disk.remove(files[1])
        let error = #expect(throws: JournalError.self) { _ = try Workload.open(disk) }
        #expect(error?.code == .altered && error?.file == files[2])
        #expect(try findings().map(\.kind) == [.altered])
    }

    @Test("Zeros over a frame that others follow are not taken for a torn write")
    func zerosInside() throws {
        let path = try #require(files.last)
        let journal = try Workload.open(disk, fileBytes: 1 << 20)
        var more = workload
        for _ in 0..<3 { try more.append(to: journal) }
        disk.alter(path) { bytes in for byte in 96..<1_200 { bytes[byte] = 0 } }
        let error = #expect(throws: JournalError.self) { _ = try Workload.open(disk) }
        #expect(error?.code == .altered && error?.offset == 96)
    }

    @Test("A torn write is cut off, kept beside the journal and told of", arguments: [1, 39, 40, 41, 300])
    func tornWrite(kept: Int) throws {
        let path = try #require(files.last)
        let end = try disk.contents(of: path).count
        var more = workload
        let journal = try Workload.open(disk, fileBytes: 1 << 20)
        try more.append(to: journal)
        disk.alter(path) { $0.removeLast($0.count - end - kept) }
        let torn = Array(try disk.contents(of: path)[end...])
        #expect(try findings().map(\.kind) == [.tornWrite])

        let reopened = try Workload.open(disk)
        let told = try #require(reopened.recovery.tornWrite)
        #expect(told.file == path && told.offset == UInt64(end) && told.byteCount == UInt64(kept))
        #expect(told.index == UInt64(workload.acknowledged.count))
        #expect(try disk.contents(of: told.copy) == torn)
        #expect(try Workload.contents(of: reopened.reader) == workload.acknowledged)
        #expect(try Workload.open(disk).recovery.tornWrite == nil)
        #expect(try findings().isEmpty)
    }

    @Test("A second torn write at the same index is kept beside the first")
    func tornTwice() throws {
        let path = try #require(files.last)
        for round in 1...3 {
            disk.alter(path) { $0 += Array(repeating: UInt8(round), count: 10) }
            _ = try Workload.open(disk)
        }
        let torn = try disk.list(Workload.directory).filter { $0.hasPrefix("torn-") }
        #expect(torn.count == 3)
    }

    @Test("A file with the journal's suffix and a strange name is refused")
    func strangeName() throws {
        try disk.writeAtomically([1], to: Workload.directory.appending("7.journal"))
        #expect(throws: JournalError.self) { _ = try Workload.open(disk) }
        #expect(try findings().count == 1)
    }
}
