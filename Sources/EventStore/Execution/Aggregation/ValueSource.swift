import EventModel
import QueryLanguage

/// The one value that each row of a segment or table has of a field: as numbers (codes) that stand for distinct values
/// inside this source; 0 is no value. Belongs to one task.
protocol ValueSource: AnyObject {
    /// The codes of the rows loaded last.
    var codes: [UInt32] { get }
    /// The values of the rows loaded last as integers, where the source is one of moments or leaf indexes that nobody
    /// needs codes of.
    var integers: [Int64]? { get }
    /// Codes given out so far are below this.
    var codeBound: Int { get }
    /// What values that were found on the way take of memory.
    var heldBytes: Int { get }

    /// Appends the ``ValueKey`` of a code. Code 0 has the key of the absent value.
    func appendKey(of code: UInt32, to bytes: inout [UInt8])

    /// Appends the keys of some codes, ascending and none 0, and where each ends.
    func appendKeys(of codes: [Int], to bytes: inout [UInt8], ends: inout [Int])

    /// The value that an integer of ``integers`` stands for.
    func value(ofInteger integer: Int64) -> QueryValue

    /// The number that a code's value is or spells; nil for other values and code 0.
    func number(of code: UInt32) -> QueryNumber?
}

extension ValueSource {
    var integers: [Int64]? { nil }
    var heldBytes: Int { 0 }

    func appendKeys(of codes: [Int], to bytes: inout [UInt8], ends: inout [Int]) {
        for code in codes {
            appendKey(of: UInt32(code), to: &bytes)
            ends.append(bytes.count)
        }
    }

    /// The value that an integer of ``integers`` stands for.
    func value(ofInteger integer: Int64) -> QueryValue { .integer(integer) }

    func value(of code: UInt32) -> QueryValue {
        var key: [UInt8] = []
        appendKey(of: code, to: &key)
        return key.withUnsafeBytes(ValueKey.value)
    }
}

/// A source that reads columns or tables: by row number alone.
protocol RowValueSource: ValueSource {
    func load(_ rows: UnsafeBufferPointer<UInt32>) throws
}

/// A source that reads records.
protocol RecordValueSource: ValueSource {
    var readsPayloadPaths: Bool { get }
    func beginBatch()
    func add(_ view: SealedView, payload: JSONValue?)
}

/// Dictionary columns of which the first that has a value counts: one field, or the fields of a short name.
final class ColumnSource: RowValueSource {
    let columns: [SegmentColumn]
    /// What to add to a column's codes.
    private let bases: [UInt32]
    private let type: ValueType
    private(set) var codes: [UInt32] = []
    private var numbers: [QueryNumber?]?
    /// What is known of the segment; nil for rows of another kind.
    let facts: DerivedFacts?
    /// The codes of all rows, where several columns or lists make one value.
    private var combined: CodeBlock?
    private let memory: CodeMemory

    /// - Parameter memory: the task's.
    init(
        _ columns: [SegmentColumn], type: ValueType, facts: DerivedFacts? = nil, memory: CodeMemory = CodeMemory()
    ) {
        self.columns = columns
        self.memory = memory
        self.facts = facts
        self.type = type
        var base: UInt32 = 0
        var bases: [UInt32] = []
        for column in columns {
            bases.append(base)
            base += UInt32(column.valueCount)
        }
        self.bases = bases
        codeBound = Int(base) + 1
    }

    let codeBound: Int

    func load(_ rows: UnsafeBufferPointer<UInt32>) {
        codes.removeAll(keepingCapacity: true)
        guard let first = columns.first else {
            codes.append(contentsOf: repeatElement(0, count: rows.count))
            return
        }
        if first.isList {
            for row in rows { codes.append(Self.firstCode(first, Int(row))) }
        } else {
            first.withCodes { buffer in
                switch buffer {
                case .oneByte(let buffer): load(rows, buffer)
                case .twoBytes(let buffer): load(rows, buffer)
                case .fourBytes(let buffer): load(rows, buffer)
                }
            }
        }
        for (column, base) in zip(columns, bases).dropFirst() {
            for position in codes.indices where codes[position] == 0 {
                let code = Self.firstCode(column, Int(rows[position]))
                if code != 0 { codes[position] = base + code }
            }
        }
    }

    @inline(__always)
    private func load<Code: UnsignedInteger>(
        _ rows: UnsafeBufferPointer<UInt32>, _ buffer: UnsafeBufferPointer<Code>
    ) {
        guard let first = rows.first, let last = rows.last else { return }
        codes = [UInt32](unsafeUninitializedCapacity: rows.count) { output, count in
            count = rows.count
            if Int(last - first) + 1 == rows.count {
                // All rows of a range: no look-up for each.
                let start = Int(first)
                for position in 0..<rows.count {
                    output[position] = UInt32(truncatingIfNeeded: buffer[start + position])
                }
            } else {
                for position in 0..<rows.count {
                    output[position] = UInt32(truncatingIfNeeded: buffer[Int(rows[position])])
                }
            }
        }
    }

    /// The codes of all rows, laid out one behind the other; nil when so few are wanted that loading them costs less.
    func combinedCodes(forRows selected: Int) -> CodeBlock? {
        if let combined { return combined }
        guard let first = columns.first, selected * Self.rowsPerSelected >= first.rowCount else { return nil }
        let made = memory.take(first.rowCount)
        let output = made.codes
        for (number, column) in columns.enumerated() {
            let base = bases[number]
            if number == 0, !column.isList {
                column.withCodes { Self.copy($0, to: output) }
                continue
            }
            for row in 0..<first.rowCount where number == 0 || output[row] == 0 {
                let code = Self.firstCode(column, row)
                output[row] = code == 0 ? 0 : base + code
            }
        }
        combined = made
        return made
    }

    private static func copy(_ codes: SegmentCodes, to output: UnsafeMutableBufferPointer<UInt32>) {
        switch codes {
        case .oneByte(let codes): for row in codes.indices { output[row] = UInt32(codes[row]) }
        case .twoBytes(let codes): for row in codes.indices { output[row] = UInt32(codes[row]) }
        case .fourBytes(let codes): for row in codes.indices { output[row] = codes[row] }
        }
    }

    /// Laying out one row takes about a quarter of the time of loading and grouping one.
    private static let rowsPerSelected = 4

    private static func firstCode(_ column: SegmentColumn, _ row: Int) -> UInt32 {
        for position in column.codeRange(ofRow: row) {
            let code = column.code(at: position)
            if code != 0 { return code }
        }
        return 0
    }

    func withValue<Result>(of code: UInt32, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        var number = columns.count - 1
        while number > 0, code <= bases[number] { number -= 1 }
        let column = columns[number]
        return withExtendedLifetime(column) { body(column.value(code - bases[number])) }
    }

    func appendKey(of code: UInt32, to bytes: inout [UInt8]) {
        guard code != 0 else { return bytes.append(contentsOf: ValueKey.absentKey) }
        withValue(of: code) { ValueKey.append($0, type, to: &bytes) }
    }

    func appendKeys(of codes: [Int], to bytes: inout [UInt8], ends: inout [Int]) {
        var place = 0
        for (column, base) in zip(columns, bases) {
            let last = Int(base) + column.valueCount
            while place < codes.count, codes[place] <= last {
                ValueKey.append(column.value(UInt32(codes[place]) - base), type, to: &bytes)
                ends.append(bytes.count)
                place += 1
            }
        }
    }

    func number(of code: UInt32) -> QueryNumber? {
        if let numbers { return numbers[Int(code)] }
        let parsed = (0..<codeBound).map { code in
            code == 0 ? nil : withValue(of: UInt32(code)) { QueryNumber(parsing: $0) }
        }
        numbers = parsed
        return parsed[Int(code)]
    }
}

/// Moments or leaf indexes: integers that are nearly all different, so that codes are made only when somebody needs them.
final class IntegerSource: RowValueSource {
    private let isTime: Bool
    private let makesCodes: Bool
    private let read: (UnsafeBufferPointer<UInt32>, inout [Int64]) throws -> Void
    private var loaded: [Int64] = []
    private(set) var codes: [UInt32] = []
    private var known: [Int64: UInt32] = [:]
    private var values: [Int64] = []

    init(
        isTime: Bool, makesCodes: Bool, read: @escaping (UnsafeBufferPointer<UInt32>, inout [Int64]) throws -> Void
    ) {
        self.isTime = isTime
        self.makesCodes = makesCodes
        self.read = read
    }

    var integers: [Int64]? { makesCodes ? nil : loaded }
    var codeBound: Int { values.count + 1 }
    /// A value and its place in the dictionary.
    var heldBytes: Int { values.count * 32 }

    func load(_ rows: UnsafeBufferPointer<UInt32>) throws {
        loaded.removeAll(keepingCapacity: true)
        try read(rows, &loaded)
        guard makesCodes else { return }
        codes.removeAll(keepingCapacity: true)
        for value in loaded {
            // Rows are in the order of arrival, so the next bucket is mostly the last one.
            if let last = codes.last, values[Int(last) - 1] == value {
                codes.append(last)
            } else {
                codes.append(code(of: value))
            }
        }
    }

    private func code(of value: Int64) -> UInt32 {
        if let code = known[value] { return code }
        values.append(value)
        known[value] = UInt32(values.count)
        return UInt32(values.count)
    }

    func appendKey(of code: UInt32, to bytes: inout [UInt8]) {
        guard code != 0 else { return bytes.append(contentsOf: ValueKey.absentKey) }
        ValueKey.append(values[Int(code) - 1], isTime: isTime, to: &bytes)
    }

    func number(of code: UInt32) -> QueryNumber? { code == 0 ? nil : .integer(values[Int(code) - 1]) }

    func value(ofInteger integer: Int64) -> QueryValue {
        isTime ? .time(Timestamp(nanoseconds: integer)) : .integer(integer)
    }
}

/// A source without any value: a field that no row has, or that may not be seen.
final class AbsentSource: RowValueSource {
    private(set) var codes: [UInt32] = []
    let codeBound = 1

    func load(_ rows: UnsafeBufferPointer<UInt32>) {
        if codes.count != rows.count { codes = [UInt32](repeating: 0, count: rows.count) }
    }

    func appendKey(of code: UInt32, to bytes: inout [UInt8]) { bytes.append(contentsOf: ValueKey.absentKey) }
    func number(of code: UInt32) -> QueryNumber? { nil }
}

extension ValueType {
    init(_ field: Field) { self = FieldReference.field(field).type }
}
