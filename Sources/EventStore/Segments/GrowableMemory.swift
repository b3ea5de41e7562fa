#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A growable array of plain numbers without reference counting or bounds checks, for the index builders' inner loops.
/// Its owner calls ``free()`` exactly once.
struct GrowableMemory<Element: BitwiseCopyable> {
    private(set) var start: UnsafeMutablePointer<Element>
    private(set) var count = 0
    private var capacity: Int

    init(capacity: Int = 64) {
        self.capacity = max(capacity, 1)
        start = Self.allocated(nil, self.capacity)
    }

    func free() { Self.release(start) }

    /// Not Swift's own allocation: growing in place copies nothing, and holds large memory once instead of twice.
    private static func allocated(
        _ old: UnsafeMutablePointer<Element>?, _ capacity: Int
    ) -> UnsafeMutablePointer<Element> {
        let (bytes, overflow) = capacity.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        precondition(!overflow && MemoryLayout<Element>.alignment <= 16, "malloc aligns to 16 bytes")
        guard let memory = realloc(old, bytes) else { fatalError("no memory for \(bytes) bytes of an index") }
        return memory.bindMemory(to: Element.self, capacity: capacity)
    }

    private static func release(_ memory: UnsafeMutablePointer<Element>) {
        #if canImport(Glibc)
            Glibc.free(memory)
        #else
            Darwin.free(memory)
        #endif
    }

    var buffer: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: start, count: count) }

    subscript(position: Int) -> Element {
        @inline(__always) get { start[position] }
        @inline(__always) nonmutating set { start[position] = newValue }
    }

    @inline(__always)
    mutating func append(_ element: Element) {
        if count == capacity { grow(to: count + 1) }
        start[count] = element
        count += 1
    }

    /// Makes room for more elements, which ``appendReserved(_:)`` then adds without looking.
    @inline(__always)
    mutating func reserve(_ extra: Int) {
        if count + extra > capacity { grow(to: count + extra) }
    }

    @inline(__always)
    mutating func appendReserved(_ element: Element) {
        start[count] = element
        count += 1
    }

    @inline(__always)
    mutating func append(contentsOf source: UnsafePointer<Element>, count extra: Int) {
        if count + extra > capacity { grow(to: count + extra) }
        (start + count).update(from: source, count: extra)
        count += extra
    }

    mutating func append(_ element: Element, repeated times: Int) {
        guard times > 0 else { return }
        if count + times > capacity { grow(to: count + times) }
        (start + count).update(repeating: element, count: times)
        count += times
    }

    mutating func removeAll() { count = 0 }

    mutating func truncate(to size: Int) {
        precondition(size <= count)
        count = size
    }

    private mutating func grow(to needed: Int) {
        capacity = max(needed, capacity * 2)
        start = Self.allocated(start, capacity)
    }
}
