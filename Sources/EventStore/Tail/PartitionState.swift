import EventModel
import Journal

/// What the store holds of one partition. Only the owner thread touches it.
final class PartitionState {
    struct LiveFile {
        let entry: SegmentEntry
        /// Nil while the segment is damaged or missing: the manifest still names it, nothing reads it.
        let reader: SegmentReader?
    }

    let partition: JournalPartition
    /// Rows that are not searchable yet; nil while the partition gets none, because a writer holds memory.
    private(set) var writer: SegmentWriter?
    private let compressionLevel: Int32
    /// Searchable rows that are in no file yet, ascending.
    var memory: [SegmentReader] = []
    /// How many of `memory`, from the first, a running seal is writing.
    var sealingCount = 0
    /// The segments that the manifest names, ascending.
    var files: [LiveFile] = []
    /// The last leaf that is in a segment file.
    var sealedThrough: UInt64?
    /// A merge of these files has failed for their content; it would fail again.
    var canMergeFiles = true

    init(_ partition: JournalPartition, compressionLevel: Int32) {
        self.partition = partition
        self.compressionLevel = compressionLevel
    }

    var memoryRows: Int { memory.reduce(0) { $0 + $1.rowCount } }
    var memoryBytes: UInt64 { memory.reduce(0) { $0 + $1.header.recordBytes } }
    /// The first leaf that is in no file.
    var firstUnsealed: LeafIndex? { memory.first?.indexes.lowerBound ?? writer?.firstIndex }

    /// Adds a record that is not searchable yet.
    func append(_ record: SealedView, index: LeafIndex, key: RecordKey, known: RecordKnowledge) throws {
        if writer == nil { writer = try SegmentWriter(partition: partition, compressionLevel: compressionLevel) }
        try writer?.append(record, index: index, key: key, known: known)
    }

    /// Gives back the writer's memory.
    func dropWriter() {
        if writer?.rowCount == 0 { writer = nil }
    }

    /// Makes what was appended searchable. False when there was nothing.
    func flush() throws -> Bool {
        guard let bytes = try writer?.finish() else { return false }
        memory.append(try SegmentReader(.memory(bytes), name: "rows in memory", isTrusted: true))
        return true
    }

    /// Merges segments in memory while there are enough of one size, and returns how many rows that moved.
    func mergeMemory(factor: Int) throws -> Int {
        var moved = 0
        while let last = memory.last {
            let tier = Self.tier(last.rowCount, factor)
            let run = memory[sealingCount...].reversed().prefix { Self.tier($0.rowCount, factor) <= tier }
            guard run.count >= factor else { return moved }
            let inputs = Array(memory.suffix(run.count))
            let rows = inputs.reduce(0) { $0 + $1.rowCount }
            let bytes = SegmentMemory(capacity: inputs.reduce(0) { $0 + $1.byteCount })
            try SegmentMerger(inputs, compressionLevel: compressionLevel).write(to: bytes)
            let merged = try SegmentReader(.memory(bytes), name: "rows in memory", isTrusted: true)
            memory.replaceSubrange((memory.count - run.count)..., with: [merged])
            moved += rows
        }
        return moved
    }

    /// The sizes 1, factor, factor² … begin new tiers.
    private static func tier(_ rows: Int, _ factor: Int) -> Int {
        var (tier, limit) = (0, factor)
        while rows >= limit {
            tier += 1
            limit *= factor
        }
        return tier
    }

    /// Adjacent files to merge: at least `factor`, none larger than half of them together (so that a row moves only a
    /// logarithmic number of times), within the limits. Nil when there are none.
    func filesToMerge(_ settings: SegmentStoreSettings) -> Range<Int>? {
        guard canMergeFiles, files.count >= settings.fileMergeFactor else { return nil }
        for first in 0...(files.count - settings.fileMergeFactor) {
            var (rows, bytes, largest) = (0, UInt64(0), 0)
            var best: Range<Int>?
            for position in first..<files.count {
                guard files[position].reader != nil else { break }
                let entry = files[position].entry
                rows += entry.rowCount
                bytes += entry.recordBytes
                largest = max(largest, entry.rowCount)
                guard rows <= settings.mergedRows, bytes <= settings.mergedBytes else { break }
                let isEnough = position - first + 1 >= settings.fileMergeFactor && largest * 2 <= rows
                if isEnough { best = first..<position + 1 }
            }
            if let best { return best }
        }
        return nil
    }
}
