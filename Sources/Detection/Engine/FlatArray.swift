/// An array of plain values that never changes, read without reference counts or bounds checks in inner loops.
///
/// `@unchecked Sendable`: the memory is filled before `init` returns, never written afterwards and freed in `deinit`, when
/// nobody holds a reference any more.
final class FlatArray<Element: BitwiseCopyable>: @unchecked Sendable {
    let base: UnsafePointer<Element>
    let count: Int

    init(_ elements: some Collection<Element>) {
        let memory = UnsafeMutableBufferPointer<Element>.allocate(capacity: max(elements.count, 1))
        _ = memory.initialize(from: elements)
        guard let start = memory.baseAddress else { preconditionFailure("an allocation has an address") }
        base = UnsafePointer(start)
        count = elements.count
    }

    deinit { base.deallocate() }

    /// - Precondition: The index is one of the array's; whoever made it made the index.
    @inline(__always)
    subscript(index: Int) -> Element { base[index] }
}

/// Memory for plain values that grows and keeps what it has; one task at a time uses it.
final class GrowingArray<Element: BitwiseCopyable> {
    private(set) var base: UnsafeMutablePointer<Element>
    private(set) var capacity: Int

    init(capacity: Int, filling value: Element) {
        self.capacity = max(capacity, 1)
        base = .allocate(capacity: self.capacity)
        base.initialize(repeating: value, count: self.capacity)
    }

    deinit { base.deallocate() }

    /// Makes room; what is new is set to a value.
    func reserve(_ wanted: Int, filling value: Element) {
        guard wanted > capacity else { return }
        let grown = UnsafeMutablePointer<Element>.allocate(capacity: max(wanted, capacity * 2))
        grown.update(from: base, count: capacity)
        let newCapacity = max(wanted, capacity * 2)
        (grown + capacity).update(repeating: value, count: newCapacity - capacity)
        base.deallocate()
        base = grown
        capacity = newCapacity
    }

    func fill(_ value: Element) { base.update(repeating: value, count: capacity) }
}

enum ByteHash {
    private static let multiplier: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// A hash for tables whose keys are compared afterwards; eight bytes a step.
    @inline(__always)
    static func hash(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
        var hash = seed ^ UInt64(truncatingIfNeeded: bytes.count) &* multiplier
        guard let start = bytes.baseAddress else { return mix(hash) }
        var offset = 0
        let count = bytes.count
        while offset + 8 <= count {
            hash = mix(hash ^ start.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            offset += 8
        }
        if offset < count {
            var tail: UInt64 = 0
            if count >= 8 {
                tail = start.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
            } else {
                for position in offset..<count {
                    tail = tail << 8 | UInt64(start.load(fromByteOffset: position, as: UInt8.self))
                }
            }
            hash = mix(hash ^ tail)
        }
        return mix(hash)
    }

    @inline(__always)
    static func mix(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: multiplier)
        return product.high ^ product.low
    }
}
