/// A sealed form being read where it lies. It borrows the bytes it was made from and is valid as long as they are.
package struct SealedView {
    package let bytes: UnsafeRawBufferPointer
    package let kind: UInt8
    package let retentionClass: UInt16
    private let ends: InlineArray<6, Int>
    private let destroyedGroups: UInt8

    /// - Throws: ``EventModelError`` when the header does not describe the bytes. Entries are checked as they are read.
    package init(_ bytes: UnsafeRawBufferPointer) throws {
        guard bytes.count >= SealedForm.headerBytes, bytes[0] == SealedForm.version else {
            throw EventModelError(.malformedSealedForm, "not a sealed form of version \(SealedForm.version)")
        }
        var ends = InlineArray<6, Int>(repeating: 0)
        var destroyed: UInt8 = 0
        var end = SealedForm.headerBytes
        for group in 0..<FieldGroup.count {
            let length = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4 + group * 4, as: UInt32.self))
            if length == SealedForm.destroyed {
                destroyed |= 1 << group
            } else {
                end += Int(length)
            }
            ends[group] = end
        }
        guard end == bytes.count else {
            throw EventModelError(.malformedSealedForm, "group lengths do not add up to the record's length")
        }
        self.bytes = bytes
        self.ends = ends
        destroyedGroups = destroyed
        kind = bytes[1]
        retentionClass = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
    }

    /// The canonical bytes of a group; nil when it was destroyed.
    package func group(_ group: FieldGroup) -> UnsafeRawBufferPointer? {
        guard destroyedGroups & (1 << group.rawValue) == 0 else { return nil }
        let number = Int(group.rawValue)
        return bytes.slice((number == 0 ? SealedForm.headerBytes : ends[number - 1])..<ends[number])
    }

    /// The payload as it was sealed; nil when it was destroyed.
    package var payload: UnsafeRawBufferPointer? { group(.raw) }

    /// All entries of all groups but `raw`, in ascending order of field and element.
    package var entries: SealedEntries { SealedEntries(bytes.slice(SealedForm.headerBytes..<ends[4])) }

    /// The value of a field; nil when absent. Cost: linear in the entries before it.
    package func value(_ field: Field, element: Int = 0) -> UnsafeRawBufferPointer? {
        for entry in entries {
            if entry.field.rawValue > field.rawValue { return nil }
            if entry.field == field, entry.element == element { return entry.value }
        }
        return nil
    }

    package func text(_ field: Field, element: Int = 0) -> String? { value(field, element: element)?.text }
    package func time(_ field: Field) -> Timestamp? { value(field).flatMap(Timestamp.init(sealed:)) }

    /// When we received the event. Every sealed form has it.
    package var received: Timestamp { time(.received) ?? Timestamp(rawValue: 0) }
}

/// The entries of a sealed form. Iteration ends at the first malformed entry; intake writes none.
package struct SealedEntries: Sequence, IteratorProtocol {
    package struct Entry {
        package let field: Field
        package let element: Int
        package let value: UnsafeRawBufferPointer
    }

    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    package mutating func next() -> Entry? {
        while position < bytes.count {
            let number = bytes[position]
            position += 1
            guard let element = Varint.read(bytes, at: &position), let length = Varint.read(bytes, at: &position),
                length <= UInt64(bytes.count - position)
            else { return nil }
            let start = position
            position += Int(length)
            // A field that a newer version sealed: its bytes are kept and proved, but have no name here.
            guard let field = Field(rawValue: number) else { continue }
            return Entry(field: field, element: Int(element), value: bytes.slice(start..<position))
        }
        return nil
    }
}
