/// The canonical bytes of an event at sealing time: what its leaf commits to, what the journal and the segments keep.
///
///     version u8 = 1 ‖ kind u8 ‖ retention class u16 BE ‖ six group lengths u32 BE ‖ the six groups
///
/// A group is a sequence of entries in ascending order of field number and element:
///
///     field u8 ‖ element varint ‖ length varint ‖ value
///
/// but for `raw`, which is the payload byte for byte. The length 0xFFFFFFFF stands for a group that was destroyed.
/// Values are UTF-8 text, times eight bytes of big-endian nanoseconds, `ext` key ‖ 0 ‖ value; varints are LEB128.
/// Specification and test vectors: docs/format/event.md.
package enum SealedForm {
    package static let version: UInt8 = 1
    package static let headerBytes = 28
    package static let destroyed = UInt32.max

    /// Appends the sealed form of a record and its payload. Returns how many bytes were appended.
    ///
    /// - Parameter kind: The leaf kind; 0 is an event.
    /// - Complexity: O(*n* log *n*) comparisons of fields, no allocation beyond the output's growth.
    @discardableResult
    package static func append(
        _ record: inout EventRecord, payload: UnsafeRawBufferPointer, kind: UInt8 = 0, retentionClass: UInt16 = 0,
        to output: inout [UInt8]
    ) -> Int {
        record.prepareForSealing()
        let size = record.entries.reduce(headerBytes) { size, entry in
            size + 1 + Varint.size(of: UInt64(entry.element)) + Varint.size(of: UInt64(entry.length))
                + Int(entry.length)
        }
        // Written in place and appended at once: an array that grows byte by byte looks for room at each.
        withUnsafeTemporaryAllocation(byteCount: size, alignment: 1) { memory in
            var form = FormWriter(memory, kind: kind, retentionClass: retentionClass)
            record.bytes.withUnsafeBytes { bytes in
                for entry in record.entries {
                    form.enter(entry.field.group)
                    form.append(entry.field.rawValue)
                    form.append(varint: UInt64(entry.element))
                    form.append(varint: UInt64(entry.length))
                    form.append(bytes.slice(Int(entry.offset)..<Int(entry.offset + entry.length)))
                }
            }
            form.finish(payloadBytes: payload.count)
            output.append(contentsOf: UnsafeRawBufferPointer(memory))
        }
        output.append(contentsOf: payload)
        return size + payload.count
    }
}

/// Writes all of a sealed form but the payload into memory of that size.
private struct FormWriter {
    private let form: UnsafeMutableRawBufferPointer
    private var position = SealedForm.headerBytes
    private var group = FieldGroup.envelope
    private var groupStart = SealedForm.headerBytes

    init(_ form: UnsafeMutableRawBufferPointer, kind: UInt8, retentionClass: UInt16) {
        self.form = form
        // Groups that nothing is written of are empty.
        form[..<SealedForm.headerBytes].initializeMemory(as: UInt8.self, repeating: 0)
        form[0] = SealedForm.version
        form[1] = kind
        form.storeBytes(of: retentionClass.bigEndian, toByteOffset: 2, as: UInt16.self)
    }

    /// What is appended from here on belongs to a group, which is not before the last one.
    mutating func enter(_ next: FieldGroup) {
        guard next != group else { return }
        write(length: position - groupStart, of: group)
        group = next
        groupStart = position
    }

    mutating func append(_ byte: UInt8) {
        form[position] = byte
        position += 1
    }

    mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        UnsafeMutableRawBufferPointer(rebasing: form[position...]).copyMemory(from: bytes)
        position += bytes.count
    }

    func finish(payloadBytes: Int) {
        precondition(position == form.count)
        write(length: position - groupStart, of: group)
        write(length: payloadBytes, of: .raw)
    }

    private func write(length: Int, of group: FieldGroup) {
        form.storeBytes(of: UInt32(length).bigEndian, toByteOffset: 4 + Int(group.rawValue) * 4, as: UInt32.self)
    }
}

/// Unsigned LEB128.
package enum Varint {
    package static func append(_ value: UInt64, to output: inout [UInt8]) {
        var value = value
        while value >= 0x80 {
            output.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        output.append(UInt8(value))
    }

    /// A signed number as an unsigned one that is small where the number is near 0: 0, -1, 1, -2 …
    @inlinable
    @inline(__always)
    package static func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: value &<< 1 ^ value &>> 63) }

    /// The number that ``zigzag(_:)`` made a code of.
    @inlinable
    @inline(__always)
    package static func number(zigzag code: UInt64) -> Int64 {
        Int64(bitPattern: code >> 1) ^ -Int64(bitPattern: code & 1)
    }

    /// How many bytes a value takes.
    package static func size(of value: UInt64) -> Int {
        value < 0x80 ? 1 : (UInt64.bitWidth - value.leadingZeroBitCount + 6) / 7
    }

    /// Reads a value and moves `position` behind it; nil when the bytes end early or the value does not fit.
    @inlinable
    @inline(__always)
    package static func read(_ bytes: UnsafeRawBufferPointer, at position: inout Int) -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < bytes.count, shift < 64 {
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return nil
    }
}
