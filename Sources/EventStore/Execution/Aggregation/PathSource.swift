import EventModel
import QueryLanguage

/// The values at a path of the payload, from the index of paths: the first of each row, as ``RecordSource`` would find it.
final class PathSource: RowValueSource {
    /// More wide rows than this are read with all others.
    private static let maximumWideRows = 4_096

    private let reader: SegmentReader
    private let column: PathColumn?
    private let place: DerivedFacts.Place?
    /// For each row of the segment its code, once somebody needs them: wide rows and rows that lack the path have 0.
    private var laidOut: [UInt16]?
    /// Codes of the wide rows that have the path, and what they stand for: those after the column's.
    private let wide: [UInt32: UInt32]
    private let wideValues: FoundValues
    private let base: Int
    private(set) var codes: [UInt32] = []
    private var numbers: [UInt32: QueryNumber?] = [:]

    /// Nil when the index does not have all values of the path: then the records do.
    init?(_ reader: SegmentReader, _ lookup: PayloadLookup, parser: JSONParser) throws {
        let index = try reader.pathIndex()
        guard index.wideRows.count <= Self.maximumWideRows else { return nil }
        switch index.answer(lookup) {
        case .unknown: return nil
        case .absent: (column, place) = (nil, nil)
        case .path(let entry):
            let column = try reader.pathColumn(entry)
            guard column.keepsValues, !column.hasObjects else { return nil }
            self.column = column
            place = .path(entry.number)
        }
        self.reader = reader
        base = column?.valueCount ?? 0
        var wide: [UInt32: UInt32] = [:]
        var values = FoundValues()
        let base = UInt32(base)
        if !index.wideRows.isEmpty {
            try reader.withRecords(index.wideRows.lazy.map(Int.init)) { row, view in
                let code = parser.withPayload(of: view) { root in
                    values.code { key in root.flatMap(lookup.first).map { ValueKey.append($0, to: &key) } }
                }
                if code != 0 { wide[UInt32(row)] = base + code }
                return true
            }
        }
        self.wide = wide
        wideValues = values
    }

    var codeBound: Int { base + wideValues.codeBound }

    func load(_ rows: UnsafeBufferPointer<UInt32>) {
        codes.removeAll(keepingCapacity: true)
        guard let column else {
            codes.append(contentsOf: repeatElement(0, count: rows.count))
            return addWide(rows)
        }
        if column.hasEveryRowOnce {
            withExtendedLifetime(column) {
                for row in rows { codes.append(UInt32(truncatingIfNeeded: column.code(at: Int(row)) + 1)) }
            }
        } else {
            denseCodes(of: column).withUnsafeBufferPointer { dense in
                for row in rows { codes.append(UInt32(dense[Int(row)])) }
            }
        }
        addWide(rows)
    }

    private func addWide(_ rows: UnsafeBufferPointer<UInt32>) {
        guard !wide.isEmpty else { return }
        for (position, row) in rows.enumerated() {
            if let code = wide[row] { codes[position] = code }
        }
    }

    private func denseCodes(of column: PathColumn) -> [UInt16] {
        if let laidOut { return laidOut }
        var dense = [UInt16](repeating: 0, count: reader.rowCount)
        dense.withUnsafeMutableBufferPointer { column.writeFirstCodes(to: $0) }
        laidOut = dense
        return dense
    }

    func appendKey(of code: UInt32, to bytes: inout [UInt8]) {
        guard code != 0 else { return bytes.append(contentsOf: ValueKey.absentKey) }
        if Int(code) > base {
            wideValues.appendKey(of: code - UInt32(base), to: &bytes)
        } else if let column {
            withExtendedLifetime(column) { bytes.append(contentsOf: column.value(Int(code) - 1)) }
        }
    }

    func number(of code: UInt32) -> QueryNumber? {
        guard code != 0 else { return nil }
        if let known = numbers[code] { return known }
        let number = value(of: code).number
        numbers[code] = number
        return number
    }
}

extension PathSource: CountingSource {
    func withDenseCodes<Result>(
        forRows selected: Int, _ body: (SegmentCodes) throws -> Result
    ) rethrows -> Result? {
        guard wide.isEmpty, let column else { return nil }
        return try denseCodes(of: column).withUnsafeBufferPointer { try body(.twoBytes($0)) }
    }

    func counts(_ rows: RowSet) -> [Int]? {
        guard wide.isEmpty, let column, let place else { return nil }
        return CodeCounts.of(
            rows,
            whole: {
                reader.facts.counts(of: place, codes: codeBound) { column.counts(RowSet(allOf: reader.rowCount)) }
            }, column.counts)
    }
}
