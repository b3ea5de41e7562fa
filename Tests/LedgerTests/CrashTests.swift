import DurableFiles
import SystemPackage
import Testing

@testable import Ledger

/// The disk fails, the process dies or the power goes at each operation in turn; nothing that was promised is lost.
@Suite struct CrashTests {
    private static let sizes: [UInt64] = [1, 255, 256, 257, 270, 300]

    /// What a run promised before it ended.
    private struct Promises {
        var durable: UInt64 = 0
        var published: Checkpoint?
        var isFinished = false
    }

    @Test(
        "After power loss at any operation, the ledger goes on from what it promised", arguments: [1, 2] as [UInt64])
    func powerLoss(seed: UInt64) async throws {
        try await strikeEachOperation(.powerLoss, seed: seed) { $0.restartMachine() }
    }

    @Test("After a process that died at any operation, the ledger goes on from what it promised")
    func processDeath() async throws {
        try await strikeEachOperation(.powerLoss, seed: 4) { $0.restartProcess() }
    }

    @Test("After a process that died, and power loss in the process after it, nothing promised is lost")
    func processDeathThenPowerLoss() async throws {
        try await strikeEachOperation(.powerLoss, seed: 5) { disk in
            disk.restartProcess()
            _ = try? LedgerFixture(fileSystem: disk, directory: "/data").open()
            disk.restartMachine()
        }
    }

    @Test("After an I/O error at any operation, and power loss then, nothing promised is lost")
    func ioError() async throws {
        try await strikeEachOperation(.shortWrite(.ioError), seed: 6) { $0.restartMachine() }
    }

    @Test("A full disk refuses to publish, and publishes the same entries when there is space again")
    func diskFull() throws {
        for operation in 1...60 {
            let disk = FaultingFileSystem(seed: UInt64(operation))
            try disk.createDirectory("/data")
            let fixture = try LedgerFixture(fileSystem: disk, directory: "/data")
            let writer = try fixture.open()
            disk.setFaults([Fault(atOperation: operation, .shortWrite(.noSpace))])
            for size in Self.sizes {
                try writer.append(TreeOfLeaves.entries(writer.size..<size), at: writer.size)
                do {
                    try writer.publish()
                } catch let error as DurableFilesError where error.code == .diskFull {
                    try writer.publish()
                } catch let error as DurableFilesError where error.code == .syncFailed {
                    // The writer is of no use any more, and says so.
                    #expect(throws: LedgerError.self) { try writer.publish() }
                    break
                }
            }
            disk.restartMachine()
            let reopened = try fixture.open()
            try reopened.append(TreeOfLeaves.entries(reopened.size..<300), at: reopened.size)
            #expect(try reopened.publish().checkpoint.root == TreeOfLeaves(size: 300).root(300))
        }
    }

    private func strikeEachOperation(
        _ effect: Fault.Effect, seed: UInt64, restart: (FaultingFileSystem) throws -> Void
    ) async throws {
        let tree = TreeOfLeaves(size: 310)
        var operation = 1
        while true {
            let disk = FaultingFileSystem(seed: seed * 1000 + UInt64(operation))
            try disk.createDirectory("/data")
            let fixture = try LedgerFixture(fileSystem: disk, directory: "/data")
            disk.setFaults([Fault(atOperation: operation, effect)])
            let promises = run(fixture)
            try restart(disk)

            let writer = try fixture.open()
            #expect(writer.durableSize >= promises.durable, "operation \(operation), seed \(seed)")
            let reader = writer.reader
            #expect(reader.size >= promises.published?.size ?? 0, "operation \(operation), seed \(seed)")
            if let published = promises.published {
                #expect(try reader.root(of: published.size) == published.root)
            }
            try writer.append(TreeOfLeaves.entries(writer.size..<310), at: writer.size)
            #expect(try writer.publish().checkpoint.root == tree.root(310))
            let report = try await LedgerVerifier(source: reader, key: fixture.key.verifierKey).verify()
            #expect(report.isIntact, "operation \(operation), seed \(seed): \(report)")
            if promises.isFinished { break }
            operation += 1
        }
        #expect(operation > 60, "the run has so many operations that change something")
    }

    /// Opens, publishes at each size, synchronises in between, and notes what it was told.
    private func run(_ fixture: LedgerFixture) -> Promises {
        var promises = Promises()
        do {
            let writer = try fixture.open()
            for (step, size) in Self.sizes.enumerated() {
                try writer.append(TreeOfLeaves.entries(writer.size..<size), at: writer.size)
                if step.isMultiple(of: 2) {
                    promises.durable = try writer.synchronize()
                } else {
                    promises.published = try writer.publish().checkpoint
                    promises.durable = size
                }
            }
            promises.isFinished = true
        } catch {
            // The fault struck; what was promised up to here counts.
        }
        return promises
    }
}
