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
        let start = output.count
        output.append(version)
        output.append(kind)
        output.append(UInt8(retentionClass >> 8))
        output.append(UInt8(truncatingIfNeeded: retentionClass))
        output.append(contentsOf: repeatElement(0, count: 24))
        var groupStart = output.count
        var group = FieldGroup.envelope
        record.bytes.withUnsafeBytes { bytes in
            for entry in record.entries {
                while entry.field.group != group, let next = FieldGroup(rawValue: group.rawValue + 1) {
                    writeLength(UInt32(output.count - groupStart), of: group, at: start, in: &output)
                    groupStart = output.count
                    group = next
                }
                output.append(entry.field.rawValue)
                Varint.append(UInt64(entry.element), to: &output)
                Varint.append(UInt64(entry.length), to: &output)
                output.append(contentsOf: bytes.slice(Int(entry.offset)..<Int(entry.offset + entry.length)))
            }
        }
        writeLength(UInt32(output.count - groupStart), of: group, at: start, in: &output)
        writeLength(UInt32(payload.count), of: .raw, at: start, in: &output)
        output.append(contentsOf: payload)
        return output.count - start
    }

    private static func writeLength(
        _ length: UInt32, of group: FieldGroup, at start: Int, in output: inout [UInt8]
    ) {
        let at = start + 4 + Int(group.rawValue) * 4
        output[at] = UInt8(truncatingIfNeeded: length >> 24)
        output[at + 1] = UInt8(truncatingIfNeeded: length >> 16)
        output[at + 2] = UInt8(truncatingIfNeeded: length >> 8)
        output[at + 3] = UInt8(truncatingIfNeeded: length)
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
