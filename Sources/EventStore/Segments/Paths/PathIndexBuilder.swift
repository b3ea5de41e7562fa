internal import CPrefetch
import EventModel

/// Gathers the paths of payloads and their values for a segment's index of paths. Its owner calls ``free()``.
///
/// Cost: about 30 ns a value, and the parsing of the payload.
struct PathIndexBuilder {
    /// What was seen at a path.
    struct Column: BitwiseCopyable {
        /// The value that was looked up last: its position + 1. Values of audit logs mostly repeat.
        var last: UInt32 = 0
        var isMulti = false
        var keepsValues = true
        var rows = GrowableMemory<UInt32>(capacity: 16)
        var codes = GrowableMemory<UInt32>(capacity: 16)
        /// Filled once a row has a second entry.
        var starts = GrowableMemory<UInt32>(capacity: 1)
        var valueCount = 0
        var valueBytes = 0
        var rowStart = 0

        func free() {
            rows.free()
            codes.free()
            starts.free()
        }
    }

    /// A distinct value of a path.
    struct Value: BitwiseCopyable {
        let path: UInt32
        /// Among the path's values, in order of appearance.
        let number: UInt32
        /// Of its ``ValueKey``, in `arena`.
        let start: Int
        let length: UInt32
    }

    /// A value of the row that is being added.
    private struct Pending: BitwiseCopyable {
        let path: UInt32
        /// The first byte of its ``ValueKey``, and the others: text of the parsed document, or nil and a place in `scratch`.
        let tag: UInt8
        let text: UnsafeRawPointer?
        let start: Int
        let length: Int
        /// 0 for one that is not looked up.
        var hash: UInt64 = 0
        /// Of the value that it most likely is: position + 1.
        var likely: UInt32 = 0
        /// Of the value where it was found already: position + 1.
        var known: UInt32 = 0
    }

    private let seed = UInt64.random(in: .min ... .max)
    private(set) var tree = PathTree()
    /// By the numbers of paths; the root's is not used.
    private(set) var columns = GrowableMemory<Column>()
    private(set) var values = GrowableMemory<Value>()
    private var valueSlots = SlotTable()
    private(set) var arena = GrowableMemory<UInt8>(capacity: 1 << 12)
    private var scratch = GrowableMemory<UInt8>(capacity: 4_096)
    private var pending = GrowableMemory<Pending>()
    private(set) var wideRows = GrowableMemory<UInt32>()
    private(set) var isOverflowed = false
    private let parser = JSONParser()

    func free() {
        for column in columns.buffer { column.free() }
        tree.free()
        columns.free()
        values.free()
        valueSlots.free()
        arena.free()
        scratch.free()
        pending.free()
        wideRows.free()
    }

    /// Forgets everything.
    mutating func removeAll() {
        for column in columns.buffer { column.free() }
        tree.removeAll()
        columns.removeAll()
        values.removeAll()
        valueSlots.removeAll()
        arena.removeAll()
        scratch.removeAll()
        pending.removeAll()
        wideRows.removeAll()
        isOverflowed = false
    }

    // MARK: Adding

    /// Adds the payload of a record. Rows ascend.
    mutating func add(row: Int, _ record: SealedView, _ known: RecordKnowledge = []) {
        guard !isOverflowed else { return }
        let length = record.payload?.count ?? 0
        parser.withPayload(of: record, isChecked: known.contains(.document)) { root in
            guard let root else { return }
            // An entry takes two bytes of text at least.
            if length > PathLimits.entriesOfRow * 2 {
                var count = 0
                Self.count(root, &count)
                if count > PathLimits.entriesOfRow {
                    wideRows.append(UInt32(row))
                    return
                }
            }
            tree.beginDocument()
            visit(root, PathTree.root)
            recordPending(UInt32(row))
        }
        if tree.count > PathLimits.paths { overflow() }
    }

    private mutating func overflow() {
        removeAll()
        isOverflowed = true
    }

    private static func count(_ value: JSONValue, _ count: inout Int) {
        guard count <= PathLimits.entriesOfRow else { return }
        switch value.kind {
        case .array: for element in value.elements { self.count(element, &count) }
        case .object:
            count += 1
            for member in value.members { self.count(member.value, &count) }
        case .null: break
        default: count += 1
        }
    }

    private mutating func visit(_ value: JSONValue, _ path: UInt32) {
        switch value.kind {
        case .array: for element in value.elements { visit(element, path) }
        case .object:
            if path != PathTree.root { add(to: path, ValueKey.json, nil, length: 0) }
            // No query can name an empty key.
            for member in value.members where !member.key.isEmpty && Self.hasEntries(member.value) {
                visit(member.value, tree.child(of: path, member.key))
            }
        case .null: break
        case .string:
            let text = value.string
            if path != PathTree.root { add(to: path, ValueKey.text, text?.baseAddress, length: text?.count ?? 0) }
        default: if path != PathTree.root { add(scalar: value, to: path) }
        }
    }

    private mutating func add(scalar value: JSONValue, to path: UInt32) {
        let start = scratch.count
        let tag: UInt8
        if let number = value.int64 {
            tag = ValueKey.number
            scratch.append(decimal: number)
        } else {
            var key: [UInt8] = []
            ValueKey.append(value, to: &key)
            tag = key[0]
            key.withUnsafeBytes { scratch.append(bytes: $0.slice(1..<$0.count)) }
        }
        add(to: path, tag, nil, start: start, length: scratch.count - start)
    }

    @inline(__always)
    private mutating func add(
        to path: UInt32, _ tag: UInt8, _ text: UnsafeRawPointer?, start: Int = 0, length: Int
    ) {
        while columns.count <= path { columns.append(Column()) }
        pending.append(Pending(path: path, tag: tag, text: text, start: start, length: length))
    }

    /// Whether something would be recorded below a value: only then it makes a path.
    private static func hasEntries(_ value: JSONValue) -> Bool {
        switch value.kind {
        case .null: false
        case .array: value.elements.contains(where: hasEntries)
        default: true
        }
    }

    /// Adds the values of a row. All are looked up before one is added: so they wait for memory together.
    private mutating func recordPending(_ row: UInt32) {
        for position in 0..<pending.count { begin(&(pending.start + position).pointee) }
        for position in 0..<pending.count { goOn(&(pending.start + position).pointee) }
        for entry in pending.buffer where entry.likely != 0 {
            custody_prefetch(arena.start + values[Int(entry.likely - 1)].start)
        }
        for position in 0..<pending.count { finish(&(pending.start + position).pointee) }
        for entry in pending.buffer { record(entry, row) }
        scratch.removeAll()
        pending.removeAll()
    }

    @inline(__always)
    private func begin(_ entry: inout Pending) {
        let column = column(entry.path)
        guard entry.length < PathLimits.longestValue, column.pointee.keepsValues else { return }
        let last = column.pointee.last
        if last != 0, isSame(values[Int(last - 1)], entry) {
            entry.known = last
            return
        }
        entry.hash = ByteInterner.hash(
            text(of: entry), seed ^ (UInt64(entry.path) << 8 | UInt64(entry.tag)) &* 0x9E37_79B9_7F4A_7C15)
        valueSlots.prefetch(entry.hash)
    }

    @inline(__always)
    private func goOn(_ entry: inout Pending) {
        guard entry.hash != 0, let position = valueSlots.likely(entry.hash) else { return }
        entry.likely = position + 1
        custody_prefetch(values.start + Int(position))
    }

    @inline(__always)
    private func finish(_ entry: inout Pending) {
        guard entry.hash != 0, case .known(let position) = place(of: entry) else { return }
        entry.known = position + 1
    }

    @inline(__always)
    func column(_ path: UInt32) -> UnsafeMutablePointer<Column> { columns.start + Int(path) }

    @inline(__always)
    private func text(of entry: Pending) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: entry.text ?? UnsafeRawPointer(scratch.start + entry.start), count: entry.length)
    }

    private mutating func record(_ entry: Pending, _ row: UInt32) {
        let column = column(entry.path)
        let rows = column.pointee.rows.count
        let isNewRow = rows == 0 || column.pointee.rows[rows - 1] != row
        if isNewRow {
            column.pointee.rows.append(row)
            column.pointee.rowStart = column.pointee.codes.count
            if column.pointee.isMulti { column.pointee.starts.append(UInt32(column.pointee.codes.count)) }
        }
        guard column.pointee.keepsValues, let code = code(of: entry) else { return }
        if !isNewRow {
            for position in column.pointee.rowStart..<column.pointee.codes.count
            where column.pointee.codes[position] == code { return }
            if !column.pointee.isMulti { Self.becomeMulti(&column.pointee) }
        }
        column.pointee.codes.append(code)
    }

    private static func becomeMulti(_ column: inout Column) {
        column.isMulti = true
        for row in 0..<column.rows.count { column.starts.append(UInt32(row)) }
    }

    /// The number of a value; nil when the path's values are kept no longer.
    @inline(__always)
    private mutating func code(of entry: Pending) -> UInt32? {
        guard entry.known == 0 else {
            column(entry.path).pointee.last = entry.known
            return values[Int(entry.known - 1)].number
        }
        return newCode(of: entry)
    }

    private mutating func newCode(of entry: Pending) -> UInt32? {
        let column = column(entry.path)
        guard entry.length < PathLimits.longestValue else {
            Self.dropValues(of: &column.pointee)
            return nil
        }
        // Again, for the row may have it twice.
        switch place(of: entry) {
        case .known(let position): return values[Int(position)].number
        case .free(let place):
            let length = entry.length + 1
            column.pointee.valueBytes += length
            guard column.pointee.valueCount < PathLimits.values, column.pointee.valueBytes <= PathLimits.valueBytes
            else {
                Self.dropValues(of: &column.pointee)
                return nil
            }
            let code = UInt32(column.pointee.valueCount)
            column.pointee.valueCount += 1
            values.append(Value(path: entry.path, number: code, start: arena.count, length: UInt32(length)))
            arena.append(entry.tag)
            arena.append(bytes: text(of: entry))
            valueSlots.insert(entry.hash, at: place)
            column.pointee.last = UInt32(values.count)
            return code
        }
    }

    @inline(__always)
    private func place(of entry: Pending) -> SlotTable.Found {
        valueSlots.find(entry.hash) { position in
            let value = values[Int(position)]
            return value.path == entry.path && isSame(value, entry)
        }
    }

    @inline(__always)
    private func isSame(_ value: Value, _ entry: Pending) -> Bool {
        guard Int(value.length) == entry.length + 1, arena[value.start] == entry.tag else { return false }
        return UnsafeRawBufferPointer(start: arena.start + value.start + 1, count: entry.length)
            .hasSameBytes(as: text(of: entry))
    }

    private static func dropValues(of column: inout Column) {
        column.keepsValues = false
        column.isMulti = false
        column.codes.removeAll()
        column.starts.removeAll()
    }
}
