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
        return memcmp(left, right, count) == 0
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
