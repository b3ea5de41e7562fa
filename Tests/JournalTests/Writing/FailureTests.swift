import DurableFiles
import Journal
import SystemPackage
import Testing

@Suite("Failures of the disk")
struct FailureTests {
    @Test("A group that does not fit on the disk leaves nothing, and the journal goes on when there is space")
    func diskFull() throws {
        for free in stride(from: 0, to: 2_000, by: 90) {
            let disk = FaultingFileSystem(seed: UInt64(free))
            var workload = Workload(seed: 3)
            let journal = try Workload.open(disk, fileBytes: 1_000)
            for _ in 0..<2 { try workload.append(to: journal) }
            let used = Int(UInt64(Int.max) - (try disk.freeBytes(at: "/")))
            disk.setCapacity(used + free)
            let error = #expect(throws: JournalError.self) { while true { try workload.append(to: journal) } }
            #expect(error?.code == .diskFull && error?.isFatal == false)
            #expect(try Workload.contents(of: journal.reader) == workload.acknowledged)
            disk.setCapacity(.max)
            for _ in 0..<3 { try workload.append(to: journal) }
            #expect(try Workload.contents(of: journal.reader) == workload.acknowledged)
            disk.restartMachine()
            #expect(try Workload.contents(of: Workload.open(disk).reader) == workload.acknowledged)
        }
    }

    @Test(
        "Any failed operation either refuses the group or ends the journal; what was acknowledged stays",
        arguments: [Errno.ioError, .noSpace])
    func anyFailure(errno: Errno) throws {
        for effect in [Fault.Effect.error(errno), .shortWrite(errno)] {
            for operation in 1...40 {
                try fail(atOperation: operation, effect)
            }
        }
    }

    private func fail(atOperation operation: Int, _ effect: Fault.Effect) throws {
        let disk = FaultingFileSystem(seed: UInt64(operation))
        var workload = Workload(seed: 7)
        let journal = try Workload.open(disk, fileBytes: 1_000)
        disk.setFaults([Fault(atOperation: operation, effect)])
        for _ in 0..<14 {
            do {
                try workload.append(to: journal)
            } catch let error as JournalError where error.isFatal {
                // Nothing more is accepted, and a new process on the same machine finds every acknowledged record.
                #expect(throws: error) { try workload.append(to: journal) }
                disk.restartProcess()
                let reopened = try Workload.open(disk, seed: 2)
                try workload.adoptUnacknowledged(from: reopened)
                #expect(try Workload.contents(of: reopened.reader) == workload.acknowledged)
                // What recovery showed stays, even if power is lost right after it.
                disk.restartMachine()
                let again = try Workload.open(disk, seed: 3)
                #expect(try Workload.contents(of: again.reader) == workload.acknowledged)
                return
            } catch let error as JournalError {
                #expect(error.code == .diskFull || error.code == .writeFailed)
            }
        }
        disk.restartMachine()
        #expect(try Workload.contents(of: Workload.open(disk).reader) == workload.acknowledged)
    }

    @Test("A failed synchronisation ends the journal, and is never tried again")
    func failedSync() throws {
        let disk = FaultingFileSystem(seed: 1)
        var workload = Workload(seed: 1)
        let journal = try Workload.open(disk, fileBytes: 1 << 20)
        try workload.append(to: journal)
        disk.setFaults([Fault(atOperation: 2, .error(.ioError))])
        let error = #expect(throws: JournalError.self) { try workload.append(to: journal) }
        #expect(error?.code == .syncFailed && error?.isFatal == true)
        #expect(disk.operationCount == 2)
        #expect(throws: JournalError.self) { try workload.append(to: journal) }
        #expect(throws: JournalError.self) { try journal.recycle(before: 1) }
        #expect(disk.operationCount == 2)
        #expect(try Workload.contents(of: journal.reader) == workload.acknowledged)
    }
}
