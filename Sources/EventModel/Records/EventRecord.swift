/// The normalised fields of one event while it is being made: a flat list of values in one buffer.
///
/// A connector fills it, intake completes and seals it. It is meant to be reused: ``removeAll()`` keeps the memory.
/// A field that is not known is absent: setting an empty value does nothing.
package struct EventRecord: Sendable {
    /// A value is cut to this many bytes, at a character, with a warning: a field is for finding and reading; the whole is
    /// in the payload.
    package static let maximumValueBytes = 8_192
    /// Members kept of one list (`targets[]`, `artifact[]` …), with a warning: a push of thousands of commits must not
    /// make an index entry for each.
    package static let maximumElements = 256

    struct Entry: Sendable {
        var field: Field
        var element: UInt16
        var offset: UInt32
        var length: UInt32

        var order: UInt32 { UInt32(field.rawValue) << 16 | UInt32(element) }
    }

    private(set) var entries: [Entry] = []
    @usableFromInline private(set) var bytes: [UInt8] = []
    private var present = FieldSet()
    private var cut = FieldSet()

    package init() {}

    package mutating func removeAll() {
        entries.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: true)
        present = FieldSet()
        cut = FieldSet()
    }

    // MARK: Writing

    /// Sets a field (or one member of a list), replacing what it held.
    package mutating func set(_ field: Field, element: Int = 0, _ value: UnsafeRawBufferPointer) {
        guard !value.isEmpty else { return }
        guard element < Self.maximumElements else {
            cut.insert(field)
            return
        }
        remove(field, element: element)
        var length = value.count
        if length > Self.maximumValueBytes {
            length = Self.maximumValueBytes
            // Step back over continuation bytes so that no character is halved.
            while length > 0, value[length] & 0xC0 == 0x80 { length -= 1 }
            cut.insert(field)
        }
        entries.append(
            Entry(
                field: field, element: UInt16(element), offset: UInt32(bytes.count), length: UInt32(length)))
        bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: value[..<length]))
        present.insert(field)
    }

    package mutating func set(_ field: Field, element: Int = 0, _ value: String) {
        var value = value
        value.withUTF8 { set(field, element: element, UnsafeRawBufferPointer($0)) }
    }

    package mutating func set(_ field: Field, element: Int = 0, _ value: StaticString) {
        set(field, element: element, UnsafeRawBufferPointer(start: value.utf8Start, count: value.utf8CodeUnitCount))
    }

    package mutating func set(_ field: Field, element: Int = 0, integer value: Int64) {
        set(field, element: element, String(value))
    }

    /// Sets a time field. Times are stored as eight bytes, big-endian nanoseconds.
    package mutating func set(_ field: Field, time value: Timestamp) {
        precondition(field.type == .time)
        withUnsafeBytes(of: value.rawValue.bigEndian) { set(field, $0) }
    }

    /// Adds a member to a list field and returns its element number; nil when the value is empty or the list is full.
    @discardableResult
    package mutating func append(_ field: Field, _ value: UnsafeRawBufferPointer) -> Int? {
        guard !value.isEmpty else { return nil }
        let element = count(of: field)
        set(field, element: element, value)
        return element < Self.maximumElements ? element : nil
    }

    @discardableResult
    package mutating func append(_ field: Field, _ value: String) -> Int? {
        var value = value
        return value.withUTF8 { append(field, UnsafeRawBufferPointer($0)) }
    }

    /// Adds `ext.KEY`. The pair is stored as key, a zero byte, value; zero bytes inside the key are not allowed.
    package mutating func addExtension(_ key: String, _ value: String) {
        guard !value.isEmpty, !key.utf8.contains(0) else { return }
        append(.ext, key + "\0" + value)
    }

    /// Records that something could not be mapped; shown as `norm.warnings[]`.
    package mutating func warn(_ message: String) { append(.normWarnings, message) }

    package mutating func remove(_ field: Field, element: Int = 0) {
        guard present.contains(field) else { return }
        entries.removeAll { $0.field == field && Int($0.element) == element }
    }

    package mutating func removeList(_ field: Field) {
        guard present.contains(field) else { return }
        entries.removeAll { $0.field == field }
    }

    // MARK: Reading

    package func contains(_ field: Field) -> Bool {
        present.contains(field) && entries.contains { $0.field == field }
    }

    /// How many members a list has (for a plain field: 1 or 0): one more than the highest element number.
    package func count(of field: Field) -> Int {
        guard present.contains(field) else { return 0 }
        return entries.reduce(0) { $1.field == field ? max($0, Int($1.element) + 1) : $0 }
    }

    /// The text of a field; nil when absent. For times see ``time(_:)``.
    package func text(_ field: Field, element: Int = 0) -> String? {
        withValue(field, element: element) { $0.text }
    }

    package func time(_ field: Field) -> Timestamp? {
        withValue(field) { Timestamp(sealed: $0) } ?? nil
    }

    @inlinable
    package func withValue<Result>(
        _ field: Field, element: Int = 0, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result? {
        guard let range = range(of: field, element: element) else { return nil }
        return try bytes.withUnsafeBytes { try body($0.slice(range)) }
    }

    @usableFromInline
    func range(of field: Field, element: Int) -> Range<Int>? {
        guard present.contains(field),
            let entry = entries.last(where: { $0.field == field && Int($0.element) == element })
        else { return nil }
        return Int(entry.offset)..<Int(entry.offset + entry.length)
    }

    /// Brings the entries into the order of the sealed form and adds a warning for every field that was cut.
    mutating func prepareForSealing() {
        if !cut.isEmpty {
            for field in Field.allCases where cut.contains(field) { warn("\(field.path) was cut to its limit") }
            cut = FieldSet()
        }
        // Insertion sort: connectors set fields nearly in order, and there are a few dozen.
        for position in entries.indices.dropFirst() {
            let entry = entries[position]
            var hole = position
            while hole > 0, entries[hole - 1].order > entry.order {
                entries[hole] = entries[hole - 1]
                hole -= 1
            }
            entries[hole] = entry
        }
    }
}

/// A set of fields in 256 bits.
struct FieldSet: Sendable {
    private var words = InlineArray<4, UInt64>(repeating: 0)

    var isEmpty: Bool { words[0] | words[1] | words[2] | words[3] == 0 }

    @inline(__always)
    func contains(_ field: Field) -> Bool { words[Int(field.rawValue >> 6)] & (1 << UInt64(field.rawValue & 63)) != 0 }

    @inline(__always)
    mutating func insert(_ field: Field) { words[Int(field.rawValue >> 6)] |= 1 << UInt64(field.rawValue & 63) }
}

extension Timestamp {
    /// Reads the eight bytes of a sealed time.
    package init?(sealed bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 8 else { return nil }
        self.init(rawValue: Int64(bigEndian: bytes.loadUnaligned(as: Int64.self)))
    }
}
