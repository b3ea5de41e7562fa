import EventModel

/// Walks several ascending dictionaries at once and gives each value of them once, in ascending order. Its owner calls
/// ``free()`` and keeps the dictionaries' memory until then.
struct DictionaryMerger {
    /// Values, one behind the other, and where each begins: one offset more than there are values.
    struct Dictionary: BitwiseCopyable {
        let values: UnsafeRawPointer
        let offsets: UnsafePointer<UInt32>
        let count: Int

        @inline(__always)
        subscript(position: Int) -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(
                start: values + Int(offsets[position]), count: Int(offsets[position + 1] - offsets[position]))
        }
    }

    /// A place in one dictionary.
    private struct Cursor: BitwiseCopyable {
        let dictionary: Dictionary
        /// For each of its values the code in the result.
        let table: UnsafeMutablePointer<UInt32>
        var position = 0
        var prefix: UInt64
        var value: UnsafeRawBufferPointer
    }

    private var cursors = GrowableMemory<Cursor>()
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
        let used = dictionaries.compactMap { $0 }.filter { $0.count > 0 }
        // All values lie between the first and the last ones.
        var common = used.first?[0].count ?? 0
        for dictionary in used {
            for end in [0, dictionary.count - 1] {
                common = DictionaryOrder.commonPrefix(used[0][0], dictionary[end], upTo: common)
            }
        }
        self.common = common
        for dictionary in dictionaries {
            let count = dictionary?.count ?? 0
            var table = GrowableMemory<UInt32>(capacity: count + 1)
            for code in 0..<firstCode { table.append(code) }
            table.append(0, repeated: count)
            tables.append(table)
            guard let dictionary, count > 0 else { continue }
            cursors.append(
                Cursor(
                    dictionary: dictionary, table: table.start + Int(firstCode),
                    prefix: DictionarySortKey.prefix(of: dictionary[0], behind: common), value: dictionary[0]))
        }
    }

    func free() {
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
        if cursor.pointee.position < cursor.pointee.dictionary.count {
            let value = cursor.pointee.dictionary[cursor.pointee.position]
            cursor.pointee.value = value
            cursor.pointee.prefix = DictionarySortKey.prefix(of: value, behind: common)
        } else {
            cursor.pointee = cursors[cursors.count - 1]
            cursors.truncate(to: cursors.count - 1)
        }
    }
}
