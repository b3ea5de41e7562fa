#if canImport(Glibc)
    public import Glibc
#else
    public import Darwin
#endif

// Asked many times for each event, from other modules: nothing that could not be inlined there would be worth its call.
extension UnsafeRawBufferPointer {
    /// Whether both hold the same bytes.
    @inlinable
    package func hasSameBytes(as other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        guard count > 0, let left = baseAddress, let right = other.baseAddress else { return true }
        // Short ones, as keys and most values are, are compared before a call would have begun.
        guard count >= 4, count <= 16 else { return memcmp(left, right, count) == 0 }
        if count >= 8 {
            let first = left.loadUnaligned(as: UInt64.self) ^ right.loadUnaligned(as: UInt64.self)
            let last =
                left.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
                ^ right.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
            return first | last == 0
        }
        let first = left.loadUnaligned(as: UInt32.self) ^ right.loadUnaligned(as: UInt32.self)
        let last =
            left.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)
            ^ right.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)
        return first | last == 0
    }

    /// Whether these are the bytes of a literal.
    @inlinable
    package func hasSameBytes(as literal: StaticString) -> Bool {
        hasSameBytes(as: UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    /// The bytes as text; invalid UTF-8 becomes replacement characters.
    @inlinable
    package var text: String { String(decoding: self, as: UTF8.self) }

    /// The part from one offset up to another.
    @inlinable
    package func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: self[range]) }
}
