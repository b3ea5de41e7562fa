import EventModel

/// Gathers the paths of payloads and their values for a segment's index of paths. Its owner calls ``free()``.
///
/// Cost: about 30 ns a value, and the parsing of the payload.
struct PathIndexBuilder {
    private struct Slot: BitwiseCopyable {
        var hash: UInt32
        /// Number + 1; 0 is free.
        var entry: UInt32
    }

    /// A place in the tree of keys, and what was seen there.
    private struct Path {
        let parent: UInt32
        /// The last key, in `arena`.
        let key: Range<Int>
        var rows = GrowableMemory<UInt32>(capacity: 16)
        var codes = GrowableMemory<UInt32>(capacity: 16)
        /// Filled once a row has a second entry.
        var starts = GrowableMemory<UInt32>(capacity: 1)
        var isMulti = false
        var keepsValues = true
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
    private struct Value: BitwiseCopyable {
        let path: UInt32
        /// Among the path's values, in order of appearance.
        let number: UInt32
        let start: Int
        let length: UInt32
    }

    /// A value of the row that is being added, in `scratch`.
    private struct Pending: BitwiseCopyable {
        let path: UInt32
        let start: UInt32
        let length: UInt32
        var hash: UInt64 = 0
        /// Of the value where it was found already: number + 1.
        var known: UInt32 = 0
    }

    private let seed = UInt64.random(in: .min ... .max)
    private var paths: [Path] = []
    private var pathSlots = SlotTable()
    private var values = GrowableMemory<Value>()
    private var valueSlots = SlotTable()
    private var arena = GrowableMemory<UInt8>(capacity: 1 << 12)
    private var scratch = GrowableMemory<UInt8>(capacity: 4_096)
    private var pending = GrowableMemory<Pending>()
    private var wideRows = GrowableMemory<UInt32>()
    private var isOverflowed = false
    private let parser = JSONParser()

    func free() {
        for path in paths { path.free() }
        pathSlots.free()
        values.free()
        valueSlots.free()
        arena.free()
        scratch.free()
        pending.free()
        wideRows.free()
    }

    /// Forgets everything.
    mutating func removeAll() {
        for path in paths { path.free() }
        paths.removeAll(keepingCapacity: true)
        pathSlots.removeAll()
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
    mutating func add(row: Int, _ record: SealedView) {
        guard !isOverflowed else { return }
        let length = record.payload?.count ?? 0
        parser.withPayload(of: record) { root in
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
            visit(root, nil)
            recordPending(UInt32(row))
        }
        if paths.count > PathLimits.paths { overflow() }
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

    private mutating func visit(_ value: JSONValue, _ path: UInt32?) {
        switch value.kind {
        case .array: for element in value.elements { visit(element, path) }
        case .object:
            if let path { add(to: path) { $0.append(ValueKey.json) } }
            // No query can name an empty key.
            for member in value.members where !member.key.isEmpty && Self.hasEntries(member.value) {
                visit(member.value, child(path, member.key))
            }
        case .null: break
        default: if let path { add(to: path) { Self.append(value, to: &$0) } }
        }
    }

    private mutating func add(to path: UInt32, _ appendValue: (inout GrowableMemory<UInt8>) -> Void) {
        let start = scratch.count
        appendValue(&scratch)
        pending.append(Pending(path: path, start: UInt32(start), length: UInt32(scratch.count - start)))
    }

    /// Whether something would be recorded below a value: only then it makes a path.
    private static func hasEntries(_ value: JSONValue) -> Bool {
        switch value.kind {
        case .null: false
        case .array: value.elements.contains(where: hasEntries)
        default: true
        }
    }

    /// The ``ValueKey`` of a scalar; of text without an array of its own.
    private static func append(_ value: JSONValue, to output: inout GrowableMemory<UInt8>) {
        if let string = value.string {
            output.append(ValueKey.text)
            output.append(bytes: string)
            return
        }
        var key: [UInt8] = []
        ValueKey.append(value, to: &key)
        key.withUnsafeBytes { output.append(bytes: $0) }
    }

    private mutating func child(_ parent: UInt32?, _ key: UnsafeRawBufferPointer) -> UInt32 {
        let parent = parent.map { $0 + 1 } ?? 0
        let hash = TokenHash.of(key, seed: seed ^ UInt64(parent) &* 0x9E37_79B9_7F4A_7C15)
        switch place(ofKey: key, under: parent, hash) {
        case .known(let number): return number
        case .free(let place):
            let start = arena.count
            arena.append(bytes: key)
            paths.append(Path(parent: parent, key: start..<arena.count))
            pathSlots.insert(hash, at: place)
            return UInt32(paths.count - 1)
        }
    }

    @inline(__always)
    private func place(ofKey key: UnsafeRawBufferPointer, under parent: UInt32, _ hash: UInt64) -> SlotTable.Found {
        pathSlots.find(hash) { number in
            let own = paths[Int(number)].key
            return paths[Int(number)].parent == parent
                && UnsafeRawBufferPointer(start: arena.start + own.lowerBound, count: own.count).hasSameBytes(as: key)
        }
    }

    /// Adds the values in `scratch`. All are looked up before one is added: so they wait for memory together.
    private mutating func recordPending(_ row: UInt32) {
        for position in 0..<pending.count {
            var entry = pending[position]
            let bytes = bytes(of: entry)
            guard bytes.count <= PathLimits.longestValue, paths[Int(entry.path)].keepsValues else { continue }
            entry.hash = ByteInterner.hash(bytes, seed ^ UInt64(entry.path) &* 0x9E37_79B9_7F4A_7C15)
            if case .known(let number) = place(ofValue: bytes, of: entry.path, entry.hash) { entry.known = number + 1 }
            pending[position] = entry
        }
        for position in 0..<pending.count { record(pending[position], row) }
        scratch.removeAll()
        pending.removeAll()
    }

    private func bytes(of entry: Pending) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: scratch.start + Int(entry.start), count: Int(entry.length))
    }

    private mutating func record(_ entry: Pending, _ row: UInt32) {
        let position = Int(entry.path)
        let isNewRow = paths[position].rows.count == 0 || paths[position].rows[paths[position].rows.count - 1] != row
        if isNewRow {
            paths[position].rows.append(row)
            paths[position].rowStart = paths[position].codes.count
            if paths[position].isMulti { paths[position].starts.append(UInt32(paths[position].codes.count)) }
        }
        guard paths[position].keepsValues, let code = code(of: entry) else { return }
        if !isNewRow {
            for entry in paths[position].rowStart..<paths[position].codes.count
            where paths[position].codes[entry] == code { return }
            if !paths[position].isMulti { becomeMulti(position) }
        }
        paths[position].codes.append(code)
    }

    private mutating func becomeMulti(_ position: Int) {
        paths[position].isMulti = true
        for row in 0..<paths[position].rows.count { paths[position].starts.append(UInt32(row)) }
    }

    /// The number of a value; nil when the path's values are kept no longer.
    private mutating func code(of entry: Pending) -> UInt32? {
        guard entry.known == 0 else { return values[Int(entry.known - 1)].number }
        let (path, hash, bytes) = (entry.path, entry.hash, bytes(of: entry))
        guard bytes.count <= PathLimits.longestValue else {
            dropValues(of: path)
            return nil
        }
        // Again, for the row may have it twice.
        switch place(ofValue: bytes, of: path, hash) {
        case .known(let number): return values[Int(number)].number
        case .free(let place):
            let own = Int(path)
            paths[own].valueBytes += bytes.count
            guard paths[own].valueCount < PathLimits.values, paths[own].valueBytes <= PathLimits.valueBytes else {
                dropValues(of: path)
                return nil
            }
            let code = UInt32(paths[own].valueCount)
            paths[own].valueCount += 1
            values.append(Value(path: path, number: code, start: arena.count, length: UInt32(bytes.count)))
            arena.append(bytes: bytes)
            valueSlots.insert(hash, at: place)
            return code
        }
    }

    @inline(__always)
    private func place(
        ofValue bytes: UnsafeRawBufferPointer, of path: UInt32, _ hash: UInt64
    ) -> SlotTable.Found {
        valueSlots.find(hash) { number in
            let value = values[Int(number)]
            return value.path == path
                && UnsafeRawBufferPointer(start: arena.start + value.start, count: Int(value.length))
                    .hasSameBytes(as: bytes)
        }
    }

    private mutating func dropValues(of path: UInt32) {
        let position = Int(path)
        paths[position].keepsValues = false
        paths[position].isMulti = false
        paths[position].codes.removeAll()
        paths[position].starts.removeAll()
    }

    // MARK: Writing

    mutating func write(to composer: SegmentComposer, rowCount: Int) throws {
        var writer = PathIndexWriter(rowCount: rowCount)
        defer { writer.free() }
        var own = [[UInt32]](repeating: [], count: paths.count)
        for position in 0..<values.count { own[Int(values[position].path)].append(UInt32(position)) }
        let names = paths.indices.map(name)
        for position in paths.indices.sorted(by: { names[$0].lexicographicallyPrecedes(names[$1]) }) {
            add(position, names[position], own[position], to: &writer)
        }
        try writer.write(to: composer, wideRows: wideRows.buffer, isOverflowed: isOverflowed)
    }

    private func name(_ position: Int) -> [UInt8] {
        let path = paths[position]
        var name = path.parent == 0 ? [] : self.name(Int(path.parent) - 1)
        Varint.append(UInt64(path.key.count), to: &name)
        name.append(contentsOf: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(arena.buffer)[path.key]))
        return name
    }

    private func bytes(of number: UInt32) -> UnsafeRawBufferPointer {
        let value = values[Int(number)]
        return UnsafeRawBufferPointer(start: arena.start + value.start, count: Int(value.length))
    }

    private mutating func add(_ position: Int, _ name: [UInt8], _ numbers: [UInt32], to writer: inout PathIndexWriter) {
        // In place: a copy that grew would leave freed memory behind.
        if paths[position].isMulti { paths[position].starts.append(UInt32(paths[position].codes.count)) }
        let path = paths[position]
        guard path.keepsValues else {
            writer.add(PathColumnParts(name: name, rows: path.rows.buffer, values: nil))
            return
        }
        let sorted = numbers.map { DictionarySortKey(bytes(of: $0), number: $0) }.sorted { left, right in
            left.prefix != right.prefix
                ? left.prefix < right.prefix : bytes(of: left.number).precedes(bytes(of: right.number))
        }
        var text = GrowableMemory<UInt8>(capacity: max(path.valueBytes, 1))
        var offsets = GrowableMemory<UInt32>(capacity: sorted.count + 1)
        var ranks = GrowableMemory<UInt32>(capacity: max(sorted.count, 1))
        var codes = GrowableMemory<UInt32>(capacity: max(path.codes.count, 1))
        defer {
            text.free()
            offsets.free()
            ranks.free()
            codes.free()
        }
        ranks.append(0, repeated: sorted.count)
        for (rank, key) in sorted.enumerated() {
            ranks[Int(values[Int(key.number)].number)] = UInt32(rank)
            offsets.append(UInt32(text.count))
            text.append(bytes: bytes(of: key.number))
        }
        offsets.append(UInt32(text.count))
        for code in path.codes.buffer { codes.append(ranks[Int(code)]) }
        writer.add(
            PathColumnParts(
                name: name, rows: path.rows.buffer,
                values: .init(
                    bytes: UnsafeRawBufferPointer(text.buffer), offsets: offsets.buffer, codes: codes.buffer,
                    starts: path.isMulti ? path.starts.buffer : nil)))
    }
}
