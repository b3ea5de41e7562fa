import EventModel

/// Walks several ascending dictionaries at once and gives each value of them once, in ascending order. Its owner calls
/// ``free()`` and keeps the dictionaries' memory until then.
struct DictionaryMerger {
    enum Dictionary: BitwiseCopyable {
        case plain(PlainDictionary)
        case packed(PackedDictionary)
    }

    /// A place in one dictionary.
    private struct Cursor: BitwiseCopyable {
        /// Nil where it is packed.
        let plain: PlainDictionary?
        /// Its place in `packed`, where it is.
        let number: Int
        let count: Int
        /// For each of its values the code in the result.
        let table: UnsafeMutablePointer<UInt32>
        var position = 0
        var prefix: UInt64 = 0
        var value = UnsafeRawBufferPointer(start: nil, count: 0)
    }

    private var cursors = GrowableMemory<Cursor>()
    private var packed: [PackedWalk] = []
    /// Whether a packed dictionary had fewer values than it should.
    private(set) var isMalformed = false
    private var tables: [GrowableMemory<UInt32>] = []
    /// What all values begin with.
    private let common: Int
    /// The code of the next value, and of the first.
    private var code: UInt32
    private let firstCode: UInt32

    /// - Parameters:
    ///   - dictionaries: nil where an input has none.
    ///   - firstCode: of the first value; codes below it stand for no value and stay what they are.
    init(_ dictionaries: [Dictionary?], firstCode: UInt32) {
        code = firstCode
        self.firstCode = firstCode
        common = Self.commonPrefix(of: dictionaries.compactMap { $0 }.filter { $0.count > 0 })
        for dictionary in dictionaries {
            let count = dictionary?.count ?? 0
            var table = GrowableMemory<UInt32>(capacity: count + 1)
            for code in 0..<firstCode { table.append(code) }
            table.append(0, repeated: count)
            tables.append(table)
            guard let dictionary, count > 0 else { continue }
            var plain: PlainDictionary?
            switch dictionary {
            case .plain(let values): plain = values
            case .packed(let values): packed.append(PackedWalk(values))
            }
            cursors.append(
                Cursor(plain: plain, number: packed.count - 1, count: count, table: table.start + Int(firstCode)))
            read(cursors.count - 1)
        }
    }

    /// How many bytes all values have in common: they lie between the first and the last ones.
    private static func commonPrefix(of dictionaries: [Dictionary]) -> Int {
        guard var common = dictionaries.first?.end(0) else { return 0 }
        for dictionary in dictionaries {
            for end in [dictionary.end(0), dictionary.end(dictionary.count - 1)] {
                let count = common.withUnsafeBytes { common in
                    end.withUnsafeBytes { DictionaryOrder.commonPrefix(common, $0, upTo: common.count) }
                }
                common.removeLast(common.count - count)
            }
        }
        return common.count
    }

    func free() {
        for walk in packed { walk.free() }
        cursors.free()
        for table in tables { table.free() }
    }

    /// Values given so far.
    var count: Int { Int(code - firstCode) }

    /// What each code of a dictionary becomes. Complete when there is no next value.
    func table(_ dictionary: Int) -> UnsafeBufferPointer<UInt32> { tables[dictionary].buffer }

    /// The next value; nil behind the last.
    @inline(__always)
    mutating func next() -> UnsafeRawBufferPointer? {
        guard cursors.count > 0 else { return nil }
        let cursors = UnsafeMutableBufferPointer(start: cursors.start, count: cursors.count)
        var least = 0
        var isAlone = true
        for position in 1..<cursors.count where cursors[position].prefix <= cursors[least].prefix {
            isAlone = cursors[position].prefix != cursors[least].prefix
            least = position
        }
        guard isAlone else { return nextOfSeveral(least) }
        let value = cursors[least].value
        advance(least)
        code += 1
        return value
    }

    /// The next value where dictionaries share the least prefix, the value itself perhaps.
    private mutating func nextOfSeveral(_ first: Int) -> UnsafeRawBufferPointer {
        let prefix = cursors[first].prefix
        var value = cursors[first].value
        for cursor in cursors.buffer where cursor.prefix == prefix && cursor.value.precedes(value) {
            value = cursor.value
        }
        var position = cursors.count - 1
        while position >= 0 {
            if cursors[position].prefix == prefix, cursors[position].value.hasSameBytes(as: value) {
                advance(position)
            }
            position -= 1
        }
        code += 1
        return value
    }

    /// Moves a cursor behind the value that is given now, and removes it at its end.
    @inline(__always)
    private mutating func advance(_ number: Int) {
        let cursor = cursors.start + number
        cursor.pointee.table[cursor.pointee.position] = code
        cursor.pointee.position += 1
        if cursor.pointee.position < cursor.pointee.count {
            read(number)
        } else {
            remove(number)
        }
    }

    private mutating func remove(_ number: Int) {
        cursors[number] = cursors[cursors.count - 1]
        cursors.truncate(to: cursors.count - 1)
    }

    /// Reads the value at a cursor's position.
    @inline(__always)
    private mutating func read(_ number: Int) {
        let cursor = cursors.start + number
        let value: UnsafeRawBufferPointer
        if let plain = cursor.pointee.plain {
            value = plain[cursor.pointee.position]
        } else if let next = packed[cursor.pointee.number].next(), next.count >= common {
            value = next
        } else {
            isMalformed = true
            return remove(number)
        }
        cursor.pointee.value = value
        cursor.pointee.prefix = DictionarySortKey.prefix(of: value, behind: common)
    }
}

extension DictionaryMerger.Dictionary {
    var count: Int {
        switch self {
        case .plain(let values): values.count
        case .packed(let values): values.count
        }
    }

    /// A copy of a value.
    fileprivate func end(_ position: Int) -> [UInt8] {
        switch self {
        case .plain(let values): return Array(values[position])
        case .packed(let values):
            var bytes: [UInt8] = []
            values.forEach(in: position + 1..<position + 2) { _, value in
                bytes = Array(value)
                return false
            }
            return bytes
        }
    }
}
