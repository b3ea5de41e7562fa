import EventModel
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import DurableFiles
@testable import EventStore

/// Segment files under seeded mutation. `CUSTODY_FUZZ_ROUNDS` runs more than the default.
@Suite("Fuzzed segment files")
struct SegmentFuzzTests {
    private static let rounds = ProcessInfo.processInfo.environment["CUSTODY_FUZZ_ROUNDS"].flatMap { Int($0) } ?? 400

    @Test("Whatever a file holds: opening, verifying and reading end, the change is found, and no other record is read")
    func mutations() throws {
        let fixture = SegmentFixture(rows: 120)
        let files = [
            try fixture.segment(0..<120, stride: 3).copiedBytes, try fixture.segment(20..<60).copiedBytes,
        ]
        var mutator = ByteMutator(seed: 21)
        let known = Set(fixture.records)
        for round in 0..<Self.rounds {
            let number = round % files.count
            let changed = mutator.mutated(files[number], mixedWith: files[1 - number])
            guard !files.contains(changed) else { continue }
            let segment: SegmentReader
            do {
                segment = try SegmentReader(.file(MappedFile(copying: changed, path: "2026/1")), name: "2026/1")
            } catch is EventStoreError {
                continue
            } catch is SegmentFault {
                continue
            }
            var faults = 0
            segment.verify { _ in faults += 1 }
            #expect(faults > 0, "round \(round)")
            do {
                try segment.withRecords(0..<segment.rowCount) { row, view in
                    #expect(known.contains(Array(view.bytes)), "round \(round), row \(row)")
                    return true
                }
            } catch is EventStoreError {
                continue
            }
        }
    }
}
