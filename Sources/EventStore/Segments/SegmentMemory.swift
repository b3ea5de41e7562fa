import DurableFiles

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Heap memory that holds one segment. Written by one thread before it is shared, never after.
///
/// Sendable without the compiler's proof: ``SegmentReader`` gets it only when its writer has let go of it, and only
/// `deinit` changes it from then on.
final class SegmentMemory: @unchecked Sendable {
    private(set) var start: UnsafeMutableRawPointer
    private(set) var count = 0
    private var capacity: Int

    init(capacity: Int) {
        self.capacity = max(capacity, 4096)
        start = .allocate(byteCount: self.capacity, alignment: SegmentSection.alignment)
    }

    deinit { start.deallocate() }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

    func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        reserve(bytes.count)
        (start + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    @inline(__always)
    func append(byte: UInt8) {
        reserve(1)
        start.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(byte: UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(byte: UInt8(truncatingIfNeeded: rest))
    }

    func removeAll() { count = 0 }

    func truncate(to size: Int) {
        precondition(size <= count)
        count = size
    }

    /// Makes room for more bytes and returns where they go; ``commit(_:)`` says how many were written.
    func reserve(_ extra: Int) {
        guard count + extra > capacity else { return }
        capacity = max(count + extra, capacity * 2)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: SegmentSection.alignment)
        larger.copyMemory(from: start, byteCount: count)
        start.deallocate()
        start = larger
    }

    func commit(_ written: Int) { count += written }

    /// Overwrites bytes that are there already.
    func patch(_ bytes: [UInt8], at offset: Int) {
        precondition(offset + bytes.count <= count)
        bytes.withUnsafeBytes { source in
            guard let first = source.baseAddress else { return }
            (start + offset).copyMemory(from: first, byteCount: source.count)
        }
    }
}

/// The bytes of a segment and what keeps them.
enum SegmentStorage: Sendable {
    case memory(SegmentMemory)
    case file(MappedFile)

    var bytes: UnsafeRawBufferPointer {
        switch self {
        case .memory(let memory): memory.bytes
        case .file(let file): file.bytes
        }
    }

    var owner: any AnyObject & Sendable {
        switch self {
        case .memory(let memory): memory
        case .file(let file): file
        }
    }

    var isFile: Bool {
        if case .file = self { true } else { false }
    }

    /// Gives back the memory of a part of a mapped file; it is read again when it is needed.
    func release(_ range: Range<Int>) {
        if case .file(let file) = self { file.release(range) }
    }

    /// Whether a part is in memory, as far as the page in its middle tells.
    func isResident(_ range: Range<Int>) -> Bool {
        if case .file(let file) = self { file.isResident(range) } else { true }
    }

    /// Of fewer bytes the disk is told without a look at whether they are there, and once.
    private static let worthAsking = 64 << 10

    /// Says that a part of a file is read whole now: so it comes from the disk at once, when it is not in memory.
    ///
    /// - Parameter isFirst: Whether it was not read before, as far as the caller knows.
    func willRead(_ range: Range<Int>, isFirst: Bool = false) {
        if range.count >= Self.worthAsking ? !isResident(range) : isFirst { prefetch(range) }
    }

    /// Has a part of a mapped file read without waiting for it.
    func prefetch(_ range: Range<Int>) {
        if case .file(let file) = self { file.prefetch(range) }
    }
}
