/// The distinct values of each group of a segment, one group behind the other. Groups and values are codes of columns.
///
/// Rows are put in the order of their groups by counting, and then each group's values are looked through with one mark a
/// value: no hash and no table that grows, and all that is written at random is four bytes a row.
struct GroupedValues {
    /// Where each group's values end in ``values``.
    private var ends: [Int]
    private var values: [UInt32]

    var count: Int { values.count }
    var heldBytes: Int { ends.count * 8 + values.count * 4 }

    /// - Parameters:
    ///   - counts: how many of the rows each group has.
    ///   - valueBound: the codes of values are below it; 0 stands for none.
    ///   - memory: what to sort in.
    init<Group: UnsignedInteger & FixedWidthInteger, Value: UnsignedInteger & FixedWidthInteger>(
        _ rows: RowSet, _ groups: UnsafeBufferPointer<Group>, _ values: UnsafeBufferPointer<Value>, counts: [Int],
        valueBound: Int, _ memory: CodeMemory
    ) {
        var next = [Int](repeating: 0, count: counts.count)
        var total = 0
        for group in counts.indices {
            next[group] = total
            total += counts[group]
        }
        var kept = 0
        var ends = next
        let block = memory.take(total)
        defer { withExtendedLifetime(block) {} }
        let sorted = block.codes
        next.withUnsafeMutableBufferPointer { Self.sort(rows, groups, values, to: sorted, at: $0) }
        var marks = [UInt32](repeating: 0, count: valueBound)
        marks.withUnsafeMutableBufferPointer { marks in
            for group in ends.indices {
                let mark = UInt32(truncatingIfNeeded: group + 1)
                for place in ends[group]..<next[group] {
                    let value = sorted[place]
                    precondition(value < marks.count, "a code of a value that the column does not have")
                    if marks[Int(value)] == mark { continue }
                    marks[Int(value)] = mark
                    sorted[kept] = value
                    kept += 1
                }
                ends[group] = kept
            }
        }
        self.values = Array(sorted[..<kept])
        self.ends = ends
    }

    private static func sort<
        Group: UnsignedInteger & FixedWidthInteger, Value: UnsignedInteger & FixedWidthInteger
    >(
        _ rows: RowSet, _ groups: UnsafeBufferPointer<Group>, _ values: UnsafeBufferPointer<Value>,
        to sorted: UnsafeMutableBufferPointer<UInt32>, at next: UnsafeMutableBufferPointer<Int>
    ) {
        for position in rows.words.indices {
            var word = rows.words[position]
            while word != 0 {
                let row = position * 64 + word.trailingZeroBitCount
                word &= word - 1
                let value = values[row]
                if value == 0 { continue }
                let group = Int(truncatingIfNeeded: groups[row])
                precondition(group < next.count, "a code of a group that nobody counted")
                sorted[next[group]] = UInt32(truncatingIfNeeded: value)
                next[group] += 1
            }
        }
    }

    @inline(__always)
    func forEach(_ body: (_ group: Int, _ value: UInt32) -> Void) {
        var place = 0
        for (group, end) in ends.enumerated() {
            while place < end {
                body(group, values[place])
                place += 1
            }
        }
    }
}
