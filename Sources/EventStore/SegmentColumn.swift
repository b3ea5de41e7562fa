package import EventModel

/// A dictionary column: the distinct values of a field, ascending bytewise, and for each row the code of its value.
///
/// Codes are 1...``valueCount`` in the order of the values, so that a prefix or a range of values is a range of codes; 0
/// says that the row has no value. A list field that holds more than one member in some row is a list column
/// (``isList``): each row has a range of codes, the position in the range is the member's element number, and 0 stands
/// for a member without this field. Where no row has more than one member, the column of a list field is a plain one:
/// go by ``isList`` of the column, not of the field.
///
/// The column keeps the memory it reads alive. Pointers it hands out are valid while the column (or its rows) lives.
///
/// Sendable without the compiler's proof: all pointers go to memory that nobody writes any more and that `owner` holds.
package struct SegmentColumn: @unchecked Sendable {
    package let field: Field
    package let rowCount: Int
    /// How many distinct values there are.
    package let valueCount: Int
    /// Bytes of one code: 1, 2 or 4.
    package let codeWidth: Int
    /// How many codes there are: the rows of a plain column, the members of a list column.
    package let codeCount: Int
    /// Whether rows have ranges of codes.
    package let isList: Bool

    /// `valueCount + 1` offsets into `values`; nil where these are packed.
    private let offsets: UnsafePointer<UInt32>?
    private let values: UnsafeRawPointer
    private let packed: UnpackedBlocks?
    private let codes: UnsafeRawPointer
    /// `rowCount + 1` positions in `codes`; nil for a plain column.
    private let starts: UnsafePointer<UInt32>?
    private let owner: any AnyObject & Sendable

    /// - Parameters:
    ///   - offsets: where each value begins in `values`, and the end of the last; aligned to 4 bytes.
    ///   - codes: aligned to `codeWidth`.
    ///   - starts: `rowCount + 1` positions for a list column.
    ///   - owner: what holds all that memory.
    package init(
        field: Field, rowCount: Int, valueCount: Int, offsets: UnsafePointer<UInt32>, values: UnsafeRawPointer,
        codes: UnsafeRawPointer, codeWidth: Int, codeCount: Int, starts: UnsafePointer<UInt32>?,
        owner: any AnyObject & Sendable
    ) {
        self.init(
            field, rowCount: rowCount, valueCount: valueCount, offsets: offsets, values: values, packed: nil,
            codes: codes,
            codeWidth: codeWidth, codeCount: codeCount, starts: starts, owner: owner)
    }

    /// - Parameter values: the values; the others as above.
    init(
        field: Field, rowCount: Int, values: UnpackedBlocks, codes: UnsafeRawPointer, codeWidth: Int, codeCount: Int,
        starts: UnsafePointer<UInt32>?, owner: any AnyObject & Sendable
    ) {
        self.init(
            field, rowCount: rowCount, valueCount: values.dictionary.count, offsets: nil, values: codes, packed: values,
            codes: codes, codeWidth: codeWidth, codeCount: codeCount, starts: starts, owner: owner)
    }

    private init(
        _ field: Field, rowCount: Int, valueCount: Int, offsets: UnsafePointer<UInt32>?, values: UnsafeRawPointer,
        packed: UnpackedBlocks?, codes: UnsafeRawPointer, codeWidth: Int, codeCount: Int,
        starts: UnsafePointer<UInt32>?, owner: any AnyObject & Sendable
    ) {
        precondition(codeWidth == 1 || codeWidth == 2 || codeWidth == 4)
        self.field = field
        self.rowCount = rowCount
        self.valueCount = valueCount
        self.offsets = offsets
        self.values = values
        self.packed = packed
        self.codes = codes
        self.codeWidth = codeWidth
        self.codeCount = codeCount
        self.starts = starts
        isList = starts != nil
        self.owner = owner
    }

    // MARK: Values

    /// The value of a code in 1...``valueCount``.
    @inline(__always)
    package func value(_ code: UInt32) -> UnsafeRawBufferPointer {
        guard let offsets else { return packedValue(code) }
        let position = Int(code) - 1
        let start = Int(offsets[position])
        return UnsafeRawBufferPointer(start: values + start, count: Int(offsets[position + 1]) - start)
    }

    private func packedValue(_ code: UInt32) -> UnsafeRawBufferPointer {
        packed?.value(Int(code)) ?? UnsafeRawBufferPointer(start: nil, count: 0)
    }

    /// Hands over the values of a range of codes, each valid during its call: for many, with less work and memory than ``value(_:)``.
    package func forEachValue(
        in codes: Range<Int>, _ body: (_ code: Int, _ value: UnsafeRawBufferPointer) throws -> Void
    ) rethrows {
        try withExtendedLifetime(self) {
            guard let packed else {
                for code in codes { try body(code, value(UInt32(code))) }
                return
            }
            try packed.dictionary.forEach(in: codes) { code, value in
                try body(code, value)
                return true
            }
        }
    }

    /// The values as they are stored, in memory that the column holds.
    var dictionary: DictionaryMerger.Dictionary {
        if let packed { return .packed(packed.dictionary) }
        guard let offsets else { preconditionFailure("values are packed or have offsets") }
        return .plain(PlainDictionary(values: values, offsets: offsets, count: valueCount))
    }

    /// The first code whose value is not less than the given bytes; `valueCount + 1` when all are less.
    package func lowerBound(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        firstCode { !$0.precedes(bytes) }
    }

    /// The code of exactly these bytes, or nil.
    package func code(of bytes: UnsafeRawBufferPointer) -> UInt32? {
        let candidate = lowerBound(bytes)
        guard candidate <= valueCount, value(candidate).hasSameBytes(as: bytes) else { return nil }
        return candidate
    }

    /// The codes of all values that begin with these bytes.
    package func codes(withPrefix prefix: UnsafeRawBufferPointer) -> Range<UInt32> {
        let first = lowerBound(prefix)
        let end = firstCode {
            !$0.precedes(prefix) && !$0.slice(0..<min($0.count, prefix.count)).hasSameBytes(as: prefix)
        }
        return first..<max(first, end)
    }

    /// The first code for which a condition holds that holds for all codes after it too.
    package func firstCode(where condition: (UnsafeRawBufferPointer) -> Bool) -> UInt32 {
        var (low, high) = (UInt32(1), UInt32(valueCount) + 1)
        while low < high {
            let middle = low + (high - low) / 2
            if condition(value(middle)) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    // MARK: Codes

    /// The code of a row of a plain column: 0 when it has no value.
    @inline(__always)
    package func code(ofRow row: Int) -> UInt32 {
        code(at: row)
    }

    /// The code at a position in 0..<``codeCount``.
    @inline(__always)
    package func code(at position: Int) -> UInt32 {
        switch codeWidth {
        case 1: UInt32(codes.load(fromByteOffset: position, as: UInt8.self))
        case 2: UInt32(codes.load(fromByteOffset: position * 2, as: UInt16.self))
        default: codes.load(fromByteOffset: position * 4, as: UInt32.self)
        }
    }

    /// The positions of a row's codes: its members in a list column, the one position of its code in a plain column.
    @inline(__always)
    package func codeRange(ofRow row: Int) -> Range<Int> {
        guard let starts else { return row..<row + 1 }
        return Int(starts[row])..<Int(starts[row + 1])
    }

    /// All codes in one of three widths, for vectorised scans: `switch` once, then loop over the buffer.
    package func withCodes<Result>(_ body: (SegmentCodes) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(owner) {
            try body(SegmentCodes(codes, width: codeWidth, count: codeCount))
        }
    }

    /// Where each row's codes begin, and the end of the last row's: `rowCount + 1` positions. Nil for a plain column.
    package func withStarts<Result>(_ body: (UnsafeBufferPointer<UInt32>?) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(owner) {
            try body(starts.map { UnsafeBufferPointer(start: $0, count: rowCount + 1) })
        }
    }
}

/// The codes of a column in their width.
package enum SegmentCodes {
    case oneByte(UnsafeBufferPointer<UInt8>)
    case twoBytes(UnsafeBufferPointer<UInt16>)
    case fourBytes(UnsafeBufferPointer<UInt32>)

    /// - Parameter start: aligned to `width`, which is 1, 2 or 4 bytes.
    init(_ start: UnsafeRawPointer, width: Int, count: Int) {
        switch width {
        case 1: self = .oneByte(UnsafeBufferPointer(start: start.assumingMemoryBound(to: UInt8.self), count: count))
        case 2: self = .twoBytes(UnsafeBufferPointer(start: start.assumingMemoryBound(to: UInt16.self), count: count))
        default: self = .fourBytes(UnsafeBufferPointer(start: start.assumingMemoryBound(to: UInt32.self), count: count))
        }
    }
}
