import EventModel
import QueryLanguage

/// Distinct values that are found on the way, kept by their keys.
struct FoundValues {
    private var interner = ByteInterner()
    private var numbers: [QueryNumber?] = [nil]
    private var key: [UInt8] = []

    var codeBound: Int { interner.count + 1 }
    var heldBytes: Int { interner.heldBytes + numbers.count * MemoryLayout<QueryNumber?>.stride }

    /// The code of the value whose key `append` writes; 0 for the absent value.
    mutating func code(_ append: (inout [UInt8]) -> Void) -> UInt32 {
        key.removeAll(keepingCapacity: true)
        append(&key)
        guard !key.isEmpty, key != ValueKey.absentKey else { return 0 }
        let code = interner.number(of: key)
        if Int(code) == numbers.count { numbers.append(key.withUnsafeBytes { ValueKey.value($0) }.number) }
        return code
    }

    func appendKey(of code: UInt32, to bytes: inout [UInt8]) {
        guard code != 0 else { return bytes.append(contentsOf: ValueKey.absentKey) }
        interner.withBytes(of: code) { bytes.append(contentsOf: $0) }
    }

    func number(of code: UInt32) -> QueryNumber? { numbers[Int(code)] }
}

/// Values that only the records hold: fields without a column, `ext.KEY`, `raw.PATH`.
final class RecordSource: RecordValueSource {
    enum Place {
        case field(Field)
        case `extension`(String)
        case payload(PayloadLookup)
    }

    private let place: Place
    private var found = FoundValues()
    private(set) var codes: [UInt32] = []

    init(_ place: Place) { self.place = place }

    var codeBound: Int { found.codeBound }
    var heldBytes: Int { found.heldBytes }
    var readsPayloadPaths: Bool { if case .payload = place { true } else { false } }

    func beginBatch() { codes.removeAll(keepingCapacity: true) }

    func add(_ view: SealedView, payload: JSONValue?) {
        let code = found.code { key in
            switch place {
            case .field(let field): view.value(first: field).map { ValueKey.append($0, ValueType(field), to: &key) }
            case .extension(let name): view.value(ofExtension: name).map { ValueKey.append($0, .text, to: &key) }
            case .payload(let path): payload.flatMap(path.first).map { ValueKey.append($0, to: &key) }
            }
        }
        codes.append(code)
    }

    func appendKey(of code: UInt32, to bytes: inout [UInt8]) { found.appendKey(of: code, to: &bytes) }
    func number(of code: UInt32) -> QueryNumber? { found.number(of: code) }
}

/// A column of a table.
final class TableSource: RowValueSource {
    private let rows: [[QueryValue]]
    private let column: Int
    private var found = FoundValues()
    private(set) var codes: [UInt32] = []

    init(_ rows: [[QueryValue]], column: Int) {
        self.rows = rows
        self.column = column
    }

    var codeBound: Int { found.codeBound }
    var heldBytes: Int { found.heldBytes }

    func load(_ numbers: UnsafeBufferPointer<UInt32>) {
        codes.removeAll(keepingCapacity: true)
        for number in numbers {
            codes.append(found.code { ValueKey.append(rows[Int(number)][column], to: &$0) })
        }
    }

    func appendKey(of code: UInt32, to bytes: inout [UInt8]) { found.appendKey(of: code, to: &bytes) }
    func number(of code: UInt32) -> QueryNumber? { found.number(of: code) }
}

extension SealedView {
    /// The first value of a field: of a list, its first member that has it.
    func value(first field: Field) -> UnsafeRawBufferPointer? {
        for entry in entries {
            if entry.field.rawValue > field.rawValue { return nil }
            if entry.field == field { return entry.value }
        }
        return nil
    }

    /// The value of `ext.KEY`.
    func value(ofExtension key: String) -> UnsafeRawBufferPointer? {
        for entry in entries where entry.field == .ext {
            guard let separator = entry.value.firstIndex(of: 0),
                key.utf8.elementsEqual(entry.value.slice(0..<separator))
            else { continue }
            return entry.value.slice(separator + 1..<entry.value.count)
        }
        return nil
    }
}
