import EventModel

/// Finds in a sorted dictionary what may begin with some characters whatever their case.
enum PrefixRanges {
    /// Characters that are looked at: each doubles the number of ranges at most, and four leave little.
    private static let depth = 4

    /// Ranges of codes, ascending, that hold every value which, folded, begins with `prefix`, and some that do not.
    static func of(_ prefix: [UInt8], in column: SegmentColumn) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        collect(prefix.prefix { $0 < 0x80 }.prefix(depth), [], column, &ranges)
        return ranges.filter { !$0.isEmpty }
    }

    /// - Parameter begun: the bytes of the values so far.
    private static func collect(
        _ rest: ArraySlice<UInt8>, _ begun: [UInt8], _ column: SegmentColumn, _ ranges: inout [Range<Int>]
    ) {
        guard let next = rest.first else { return ranges.append(codes(begun, column)) }
        // Ascending: capitals, small letters, and then what is not ASCII and may fold to anything.
        let capital = next &- UInt8(ascii: "a") < 26 ? next &- 0x20 : next
        for byte in capital == next ? [next] : [capital, next] {
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
