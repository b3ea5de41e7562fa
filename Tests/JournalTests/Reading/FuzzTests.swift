import DurableFiles
import Foundation
import Journal
import SystemPackage
import TestSupport
import Testing

/// Journal files under seeded mutation. `CUSTODY_FUZZ_ROUNDS` runs more than the default.
@Suite("Fuzzed journal files") struct FuzzTests {
    private static let rounds = ProcessInfo.processInfo.environment["CUSTODY_FUZZ_ROUNDS"].flatMap { Int($0) } ?? 1_500

    @Test("Whatever a file holds: opening and verifying end, and no record is read that was not written")
    func mutations() throws {
        let disk = FaultingFileSystem(seed: 1)
        var workload = Workload(seed: 5)
        let journal = try Workload.open(disk)
        for _ in 0..<6 { try workload.append(to: journal) }
        let names = try disk.list(Workload.directory).filter { $0.hasSuffix(".journal") }
        var mutator = ByteMutator(seed: 9)
        for round in 0..<Self.rounds {
            let path = Workload.directory.appending(names[round % names.count])
            let original = try disk.contents(of: path)
            let changed = mutator.mutated(
                original, mixedWith: try disk.contents(of: Workload.directory.appending(names[0])))
            guard changed != original else { continue }
            let copy = disk.copy(seed: UInt64(round))
            copy.restartProcess()
            copy.alter(path) { $0 = changed }
            var findings = 0
            _ = try JournalVerifier(directory: Workload.directory, fileSystem: copy).verify { _ in findings += 1 }
            #expect(findings > 0, "round \(round)")
            do {
                let contents = try Workload.contents(of: Workload.open(copy, seed: 2).reader)
                #expect(workload.acknowledged.starts(with: contents), "round \(round)")
            } catch is JournalError {
                continue
            }
        }
    }
}
