/// Memory for the texts that are made while one event is evaluated (numbers, folded copies); emptied for the next. What
/// is in it is named by offsets, because growing moves it.
final class ByteArena {
    private var memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 14, alignment: 16)
    private(set) var count = 0

    deinit { memory.deallocate() }

    func removeAll() { count = 0 }

    /// The bytes; valid until the next append.
    @inline(__always)
    func bytes(_ offset: Int, _ length: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: memory[offset..<offset + length])
    }

    func append(_ bytes: UnsafeRawBufferPointer) -> Int {
        reserve(bytes.count)
        let offset = count
        if let source = bytes.baseAddress, bytes.count > 0 {
            memory.baseAddress?.advanced(by: offset).copyMemory(from: source, byteCount: bytes.count)
        }
        count += bytes.count
        return offset
    }

    func append(_ bytes: [UInt8]) -> Int { bytes.withUnsafeBytes { append($0) } }

    /// Room for `length` bytes at the end, which the caller fills.
    func extend(by length: Int) -> UnsafeMutableRawBufferPointer {
        reserve(length)
        let offset = count
        count += length
        return UnsafeMutableRawBufferPointer(rebasing: memory[offset..<offset + length])
    }

    private func reserve(_ length: Int) {
        guard count + length > memory.count else { return }
        let grown = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(memory.count * 2, count + length), alignment: 16)
        grown.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[..<count]))
        memory.deallocate()
        memory = grown
    }
}
