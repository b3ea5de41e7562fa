import EventModel
import Journal
import Testing

@testable import Intake

@Suite("Memory of batches")
struct BatchMemoryTests {
    private func address(_ bytes: [UInt8]) -> UnsafeRawPointer? { bytes.withUnsafeBytes(\.baseAddress) }

    @Test("What one batch is done with serves the next, unless somebody still reads it")
    func reuse() {
        let memory = BatchMemory()
        var bytes = memory.take(BatchMemory.smallest)
        bytes.append(1)
        let first = address(bytes)
        memory.give(bytes)
        bytes = []
        #expect(memory.freeBytes >= BatchMemory.smallest)
        bytes = memory.take(BatchMemory.smallest)
        #expect(memory.freeBytes == 0 && bytes.isEmpty)
        bytes.append(2)
        #expect(address(bytes) == first)

        memory.give(bytes)
        var other = memory.take(BatchMemory.smallest)
        other.append(3)
        #expect(address(other) != address(bytes) && bytes == [2])
    }

    @Test("One that is a little larger finds room as well; of two that will do the smaller is taken")
    func fitting() {
        let memory = BatchMemory()
        var (small, large) = (memory.take(BatchMemory.smallest), memory.take(4 * BatchMemory.smallest))
        small.append(1)
        large.append(1)
        let (first, second) = (address(small), address(large))
        memory.give(small)
        memory.give(large)
        (small, large) = ([], [])
        small = memory.take(BatchMemory.smallest + 1_000)
        large = memory.take(4 * BatchMemory.smallest + 1_000)
        small.append(2)
        large.append(2)
        #expect(address(small) == first && address(large) == second)
    }

    @Test("What is small is not kept, nor more than the limit; a quiet server lets go of all")
    func limits() {
        let memory = BatchMemory()
        memory.give([1, 2, 3])
        #expect(memory.freeBytes == 0)
        let count = BatchMemory.keptBytes / BatchMemory.smallest
        for _ in 0..<count + 1 { memory.give([UInt8](repeating: 0, count: BatchMemory.smallest)) }
        #expect(memory.freeBytes > BatchMemory.keptBytes / 2 && memory.freeBytes <= BatchMemory.keptBytes)
        memory.releaseAll()
        #expect(memory.freeBytes == 0)
    }

    @Test("A batch gives its memory back when the last view lets go of it, and not before")
    func views() {
        let memory = BatchMemory()
        do {
            let batch = CommittedBatch(
                firstIndex: LeafIndex(0), partition: JournalPartition(day: 0, retentionClass: 0),
                bytes: [UInt8](repeating: 7, count: BatchMemory.smallest), items: [], entries: [], seeds: SeedTable(),
                isFresh: true, admitted: nil, memory: memory)
            #expect(memory.freeBytes == 0 && batch.bytes.count == BatchMemory.smallest)
            withExtendedLifetime(batch) {}
        }
        #expect(memory.freeBytes >= BatchMemory.smallest)
    }
}
