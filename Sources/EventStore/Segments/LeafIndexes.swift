package import EventModel

/// The leaf indexes of a segment's rows, for asking for those of all: where the rows are dense they are counted, else looked up.
/// Valid as long as the segment is.
package struct LeafIndexes {
    private let first: UInt64
    private var runs: LeafRuns?
    /// Offsets from the first, `width` bytes each.
    private let offsets: UnsafeRawBufferPointer
    private let width: Int

    /// - Throws: `damaged`.
    init(_ reader: SegmentReader) throws {
        first = reader.header.firstIndex
        runs = reader.isDense ? nil : try reader.leafRuns()
        let isStored = !reader.isDense && runs == nil
        offsets = isStored ? try reader.required(.leafIndexes) : UnsafeRawBufferPointer(start: nil, count: 0)
        width = isStored ? (reader.section(.leafIndexes)?.width == 4 ? 4 : 8) : 0
    }

    /// The leaf index of a row.
    package mutating func callAsFunction(_ row: Int) -> LeafIndex { LeafIndex(first + offset(row)) }

    /// The same less the segment's first.
    mutating func offset(_ row: Int) -> UInt64 {
        if runs != nil { return runs?.offset(ofRow: row) ?? 0 }
        return switch width {
        case 0: UInt64(row)
        case 4: UInt64(offsets.number(at: row * 4, as: UInt32.self))
        default: offsets.number(at: row * 8, as: UInt64.self)
        }
    }
}
