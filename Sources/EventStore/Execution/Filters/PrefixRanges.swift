import EventModel

/// Finds in a sorted dictionary what may begin with some characters whatever their case.
enum PrefixRanges {
    /// Characters that are looked at: the algorithm of a digest and some of its digits, so that one of a million is alone. Each doubles
    /// the number of ranges at most, and only what some value begins with is followed.
    private static let depth = 12

    /// Names of algorithms before the colon of a digest that are looked behind one by one: there are some five in use.
    private static let algorithms = 32

    /// Ranges of codes, ascending, that hold every value which, folded, begins with `prefix`, and some that do not.
    static func of(_ prefix: [UInt8], in column: SegmentColumn) -> [Range<Int>] { of(prefix, after: [], column) }

    /// - Parameter begun: bytes that stand before the prefix as they are.
    private static func of(_ prefix: [UInt8], after begun: [UInt8], _ column: SegmentColumn) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        collect(prefix.prefix { $0 < 0x80 }.prefix(depth), begun, column, &ranges)
        return ranges.filter { !$0.isEmpty }
    }

    /// Ranges of codes, ascending, that hold every value for which a test holds.
    static func of(_ test: FieldValueTest, in column: SegmentColumn) -> [Range<Int>] {
        let all = [1..<column.valueCount + 1]
        if !test.addressStarts.isEmpty { return joined(test.addressStarts.flatMap { of($0, in: column) }) }
        guard !test.start.isEmpty else { return all }
        var ranges = of(test.start, in: column)
        guard case .digest = test.kind else { return ranges }
        // A digest matches by what stands behind its algorithm too.
        var code = 1
        for _ in 0..<algorithms where code <= column.valueCount {
            let value = column.value(UInt32(code))
            guard let colon = value.firstIndex(of: UInt8(ascii: ":")) else {
                code += 1
                continue
            }
            let algorithm = Array(value.prefix(colon + 1))
            ranges += of(test.start, after: algorithm, column)
            code = codes(algorithm, column).upperBound
        }
        guard code > column.valueCount else { return all }
        return joined(ranges)
    }

    /// The same codes in ranges that ascend and do not meet.
    private static func joined(_ ranges: [Range<Int>]) -> [Range<Int>] {
        var joined: [Range<Int>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = joined.last, range.lowerBound < last.upperBound {
                joined[joined.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                joined.append(range)
            }
        }
        return joined
    }

    /// - Parameter begun: the bytes of the values so far.
    private static func collect(
        _ rest: ArraySlice<UInt8>, _ begun: [UInt8], _ column: SegmentColumn, _ ranges: inout [Range<Int>]
    ) {
        guard let next = rest.first else { return ranges.append(codes(begun, column)) }
        // Ascending: capitals, small letters, and then what is not ASCII and may fold to anything.
        let capital = next &- UInt8(ascii: "a") < 26 ? next &- 0x20 : next
        for byte in capital == next ? [next] : [capital, next] where !codes(begun + [byte], column).isEmpty {
            collect(rest.dropFirst(), begun + [byte], column, &ranges)
        }
        let all = codes(begun, column)
        let first = (begun + [0x80]).withUnsafeBytes { Int(column.lowerBound($0)) }
        ranges.append(max(first, all.lowerBound)..<max(first, all.upperBound))
    }

    private static func codes(_ prefix: [UInt8], _ column: SegmentColumn) -> Range<Int> {
        let codes = prefix.withUnsafeBytes { column.codes(withPrefix: $0) }
        return Int(codes.lowerBound)..<Int(codes.upperBound)
    }
}
