import DurableFiles
import Foundation
import Journal
import Ledger
import Synchronization
import SystemPackage
import Testing

@testable import CustodyServer

/// The whole write path on a disk that fails, at every operation of seeded histories: each moment is followed by a restart,
/// by what a sender does then, and by a full verification. `CUSTODY_CRASH_SEEDS` runs more histories than the default; a
/// failure names seed, operation and variant, which give the same run again.
@Suite("Faults in the whole write path")
struct WritePathCampaignTests {
    private static let seeds: ClosedRange<UInt64> = {
        let wanted = ProcessInfo.processInfo.environment["CUSTODY_CRASH_SEEDS"].flatMap { UInt64($0) }
        return 1...max(wanted ?? 4, 1)
    }()
    /// What may be left after one moment: once the process alone died, otherwise power went too.
    private static let outcomes: UInt64 = 13
    private static let minimumPoints = 2_500

    @Test(
        "After death or power loss at any operation nothing acknowledged is lost, doubled, moved or unproven",
        arguments: seeds)
    func crashes(seed: UInt64) async throws {
        let disk = FaultingFileSystem(seed: seed)
        let record = WritePathRecord(disk)
        disk.recordOperations()
        try Self.run(try WritePathHistory(seed: seed, commits: 9), disk, record)
        var points = 0
        // Often nothing was waiting to be written, and all outcomes are one; that one is looked at once.
        var seen: Set<[Int]> = []
        for operation in 1...disk.operationCount + 1 {
            let (number, promises) = record.promises(beforeOperation: operation)
            for outcome in 0..<Self.outcomes {
                points += 1
                let machine = disk.disk(beforeOperation: operation, seed: seed &* 1_000_003 &+ outcome)
                if outcome == 0 {
                    machine.restartProcess()
                } else {
                    machine.restartMachine()
                }
                guard seen.insert([machine.fingerprint, number, outcome == 0 ? operation : 0]).inserted else {
                    continue
                }
                await Self.examine(machine, promises, "seed \(seed), operation \(operation), outcome \(outcome)")
            }
        }
        #expect(points >= Self.minimumPoints, "all seeds together strike 10,000 moments")
    }

    @Test("After power loss during recovery from power loss, at any operation of it, nothing is lost either")
    func crashesInRecovery() async throws {
        let seed: UInt64 = 77
        let disk = FaultingFileSystem(seed: seed)
        let record = WritePathRecord(disk)
        disk.recordOperations()
        try Self.run(try WritePathHistory(seed: seed, commits: 5), disk, record)
        var seen: Set<Int> = []
        for operation in stride(from: 1, through: disk.operationCount + 1, by: 3) {
            let (_, promises) = record.promises(beforeOperation: operation)
            let first = disk.disk(beforeOperation: operation, seed: seed &+ UInt64(operation))
            first.restartMachine()
            first.recordOperations()
            _ = try WritePath(first, detected: promises.detected, seed: 3)
            for inner in 1...max(first.operationCount, 1) {
                let machine = first.disk(beforeOperation: inner, seed: UInt64(inner))
                machine.restartMachine()
                guard seen.insert(machine.fingerprint).inserted else { continue }
                await Self.examine(machine, promises, "seed \(seed), operation \(operation), then \(inner)")
            }
        }
        #expect(seen.count > 50)
    }

    @Test(
        "After an I/O error, a short write, a full disk or a failed synchronisation at any operation nothing is lost",
        arguments: [Fault.Effect.error(.ioError), .shortWrite(.noSpace), .shortWrite(.ioError)])
    func errors(effect: Fault.Effect) async throws {
        let history = try WritePathHistory(seed: 55, commits: 5)
        var operation = 1
        while true {
            let disk = FaultingFileSystem(seed: UInt64(operation))
            let record = WritePathRecord(disk)
            disk.setFaults([Fault(atOperation: operation, effect)])
            // What cannot be answered ends the process; the fault can also pass without an end.
            let hasEnded = (try? Self.run(history, disk, record)) == nil
            let isOver = !hasEnded && disk.operationCount < operation
            if operation.isMultiple(of: 2) { disk.restartProcess() }
            // The page cache showed what the disk may not have: power loss tells.
            disk.restartMachine()
            await Self.examine(disk, record.promises, "\(effect), operation \(operation)")
            if isOver { break }
            operation += 1
        }
        #expect(operation > 100)
    }

    /// Runs a history to its end, or to the error that ends the process.
    private static func run(_ history: WritePathHistory, _ disk: FaultingFileSystem, _ record: WritePathRecord) throws {
        var path = try WritePath(disk, detected: 0, seed: history.seed)
        for step in history.steps {
            switch step {
            case .commit(let deliveries):
                do {
                    try path.commit(deliveries, record)
                } catch let error as JournalError where !error.isFatal {
                    // Refused, and nothing of it is kept: the sender tries again.
                    try path.commit(deliveries, record)
                }
            case .second: try path.tick(record)
            case .seal: try path.seal()
            case .restart:
                try path.stop(record)
                path = try WritePath(disk, detected: record.promises.detected, seed: history.seed &+ 1)
            }
        }
        try path.stop(record)
    }

    /// Starts again on what is left, lets the sender repeat what was not answered, goes on, and checks everything.
    private static func examine(
        _ disk: FaultingFileSystem, _ promises: WritePathPromises, _ place: String
    ) async {
        do {
            let record = WritePathRecord(disk)
            var path = try WritePath(disk, detected: promises.detected, seed: 99)
            guard path.end >= promises.count else {
                return #expect(path.end >= promises.count, "\(place): acknowledged events are gone")
            }
            if !promises.unanswered.isEmpty { try path.commit(promises.unanswered, record) }
            try path.commit([try later.get()], record)
            try path.tick(record)
            let all = try path.storedIDs(disk)
            for (index, id) in promises.acknowledged where all[Int(index)] != id {
                Issue.record("\(place): leaf \(index) is another event")
            }
            #expect(Set(all).count == all.count, "\(place): an event is there twice")
            let expected = Set(promises.acknowledged.map(\.id)).union(promises.unanswered.flatMap(\.ids))
            #expect(expected.isSubset(of: all), "\(place): a repeated delivery was not kept")
            try path.stop(record)
            if let published = promises.published, published.size > 0 {
                #expect(try path.ledger.root(of: published.size) == published.root, "\(place): history was rewritten")
            }
            let report = try await DataDirectoryVerifier(
                directory: WritePath.directory, fileSystem: disk, key: WritePath.keys.ledger.verifierKey
            ).verify()
            #expect(report.isIntact, "\(place): \(report.faults)")
            #expect(report.counts.verified == UInt64(all.count), "\(place)")
        } catch {
            Issue.record("\(place): \(error)")
        }
    }

    private static let later = Result { try WritePathHistory.delivery(["later"]) }
}
