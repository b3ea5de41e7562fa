/// Unsigned LEB128 of 32-bit lengths: seven bits a byte, low bits first, the high bit set on all but the last byte.
enum VariableLength {
    static func append(_ value: UInt32, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Reads one length and moves the position past it. Nil at the end, or for a form that is not the shortest.
    static func read(_ bytes: UnsafeRawBufferPointer, at position: inout Int) -> UInt32? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 28, by: 7) {
            guard position < bytes.count else { return nil }
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            guard byte & 0x80 == 0 else { continue }
            let isShortest = shift == 0 || byte != 0
            return isShortest ? UInt32(exactly: value) : nil
        }
        return nil
    }
}
