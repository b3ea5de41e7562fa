import EventModel

/// Packs ascending values, block by block. Its owner calls ``free()``.
struct PackedValueEncoder {
    private var previous = GrowableMemory<UInt8>(capacity: 256)
    private var count = 0

    func free() { previous.free() }

    /// Appends the next value.
    ///
    /// - Returns: Whether a block begins with it.
    mutating func append(_ value: UnsafeRawBufferPointer, to output: inout GrowableMemory<UInt8>) -> Bool {
        let isFirst = count % PackedDictionary.valuesPerBlock == 0
        count += 1
        var shared = 0
        if !isFirst {
            shared = DictionaryOrder.commonPrefix(
                UnsafeRawBufferPointer(previous.buffer), value, upTo: min(previous.count, value.count))
        }
        var digits = value.count
        while digits - shared >= 8,
            HexDigits.number(value.loadUnaligned(fromByteOffset: digits - 8, as: UInt64.self)) != nil
        {
            digits -= 8
        }
        while digits > shared, HexDigits.isDigit(value[digits - 1]) { digits -= 1 }
        if (value.count - digits) % 2 != 0 {
            // An odd digit goes with those before, or, where all others are shared, takes one of these along.
            if digits == shared, shared > 0, HexDigits.isDigit(value[shared - 1]) {
                shared -= 1
                digits -= 1
            } else {
                digits += 1
            }
        }
        if (value.count - digits) / 2 < PackedValue.fewestDigitBytes { digits = value.count }
        if !isFirst { output.append(varint: UInt64(shared)) }
        let literal = value.slice(shared..<digits)
        output.append(varint: UInt64(literal.count) << 1 | (digits < value.count ? 1 : 0))
        output.append(bytes: literal)
        if digits < value.count { appendDigits(value.slice(digits..<value.count), to: &output) }
        previous.removeAll()
        previous.append(bytes: value)
        return isFirst
    }

    private func appendDigits(_ text: UnsafeRawBufferPointer, to output: inout GrowableMemory<UInt8>) {
        output.append(varint: UInt64(text.count / 2))
        output.reserve(text.count / 2)
        var position = 0
        while position + 8 <= text.count {
            let eight = UInt64(littleEndian: text.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            let number = HexDigits.number(eight) ?? 0
            for shift: UInt32 in [24, 16, 8, 0] { output.appendReserved(UInt8(truncatingIfNeeded: number >> shift)) }
            position += 8
        }
        while position < text.count {
            output.appendReserved(
                HexDigits.number(digit: text[position]) << 4 | HexDigits.number(digit: text[position + 1]))
            position += 2
        }
    }
}
