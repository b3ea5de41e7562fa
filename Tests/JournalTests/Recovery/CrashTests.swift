import DurableFiles
import Journal
import SystemPackage
import Testing

@Suite("Recovery after power loss")
struct CrashTests {
    @Test("Power loss at any operation loses, doubles and reorders no acknowledged record", arguments: UInt64(0)..<10)
    func powerLossAnywhere(seed: UInt64) throws {
        let operations = try run(seed: seed, fault: nil)
        for operation in 1...operations {
            try run(seed: seed, fault: Fault(atOperation: operation, .powerLoss))
        }
    }

    @Test("Power loss during recovery, again and again, loses nothing either", arguments: UInt64(100)..<112)
    func powerLossDuringRecovery(seed: UInt64) throws {
        let disk = FaultingFileSystem(seed: seed)
        var workload = Workload(seed: seed)
        for round in 0..<12 {
            disk.setFaults([Fault(atOperation: 3 + (round * 7 + Int(seed)) % 23, .powerLoss)])
            do {
                let journal = try Workload.open(disk, seed: UInt64(round))
                try check(journal, &workload, seed: seed)
                while true { try workload.append(to: journal) }
            } catch is JournalError {
                disk.restartMachine()
            }
        }
        try check(try Workload.open(disk), &workload, seed: seed)
    }

    @Test("A process that ends without power loss leaves every acknowledged record", arguments: UInt64(200)..<206)
    func killedProcess(seed: UInt64) throws {
        let disk = FaultingFileSystem(seed: seed)
        var workload = Workload(seed: seed)
        for operation in 4..<30 {
            disk.setFaults([Fault(atOperation: operation, .powerLoss)])
            #expect(throws: JournalError.self) {
                let journal = try Workload.open(disk, seed: UInt64(operation))
                try check(journal, &workload, seed: seed)
                while true { try workload.append(to: journal) }
            }
            disk.restartProcess()
        }
        try check(try Workload.open(disk), &workload, seed: seed)
    }

    @Test("A failure while opening loses nothing: the next opening recovers", arguments: UInt64(300)..<310)
    func failedRecovery(seed: UInt64) throws {
        for effect in [Fault.Effect.error(.ioError), .shortWrite(.noSpace)] {
            for operation in 1...10 {
                let disk = FaultingFileSystem(seed: seed)
                var workload = Workload(seed: seed)
                disk.setFaults([Fault(atOperation: 21 + operation, .powerLoss)])
                #expect(throws: JournalError.self) {
                    let journal = try Workload.open(disk)
                    while true { try workload.append(to: journal) }
                }
                disk.restartMachine()
                disk.setFaults([Fault(atOperation: operation, effect)])
                do {
                    try check(try Workload.open(disk, seed: 2), &workload, seed: seed)
                } catch let error as JournalError {
                    #expect([.syncFailed, .diskFull, .readFailed].contains(error.code))
                }
                disk.restartProcess()
                try check(try Workload.open(disk, seed: 3), &workload, seed: seed)
                disk.restartMachine()
                try check(try Workload.open(disk, seed: 4), &workload, seed: seed)
            }
        }
    }

    @Test("Power loss while recycling leaves no gap", arguments: UInt64(400)..<410)
    func recycling(seed: UInt64) throws {
        for operation in 1...6 {
            let disk = FaultingFileSystem(seed: seed &* 7 &+ UInt64(operation))
            var workload = Workload(seed: seed)
            let journal = try Workload.open(disk)
            for _ in 0..<20 { try workload.append(to: journal) }
            disk.setFaults([Fault(atOperation: operation, .powerLoss)])
            _ = try? journal.recycle(before: journal.nextIndex)
            disk.restartMachine()
            let reopened = try Workload.open(disk)
            #expect(reopened.nextIndex == UInt64(workload.acknowledged.count))
            let first = reopened.reader.indexes.lowerBound
            #expect(
                try Workload.contents(of: reopened.reader, from: first) == Array(workload.acknowledged[Int(first)...]))
        }
    }

    /// Runs the workload on a fresh disk until the fault strikes, restarts the machine and checks. Returns the number
    /// of operations when nothing strikes.
    @discardableResult
    private func run(seed: UInt64, fault: Fault?) throws -> Int {
        let disk = FaultingFileSystem(seed: seed)
        disk.setFaults(fault.map { [$0] } ?? [])
        var workload = Workload(seed: seed)
        do {
            let journal = try Workload.open(disk, seed: seed)
            for _ in 0..<10 { try workload.append(to: journal) }
        } catch let error as JournalError {
            #expect(fault != nil, "\(error)")
        }
        let operations = disk.operationCount
        disk.restartMachine()
        let journal = try Workload.open(disk, seed: seed &+ 1)
        try check(journal, &workload, seed: seed)
        // The journal goes on, and what it writes survives as well.
        for _ in 0..<3 { try workload.append(to: journal) }
        disk.restartMachine()
        try check(try Workload.open(disk), &workload, seed: seed)
        return operations
    }

    private func check(_ journal: JournalWriter, _ workload: inout Workload, seed: UInt64) throws {
        let promised = workload.acknowledged
        let contents = try Workload.contents(of: journal.reader)
        #expect(contents.count >= promised.count && Array(contents.prefix(promised.count)) == promised, "seed \(seed)")
        #expect(journal.nextIndex == UInt64(contents.count))
        try workload.adoptUnacknowledged(from: journal)
    }
}
