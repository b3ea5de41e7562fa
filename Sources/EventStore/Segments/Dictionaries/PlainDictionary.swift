/// Values, one behind the other, and where each begins: one offset more than there are values.
struct PlainDictionary: BitwiseCopyable {
    let values: UnsafeRawPointer
    let offsets: UnsafePointer<UInt32>
    let count: Int

    @inline(__always)
    subscript(position: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
            start: values + Int(offsets[position]), count: Int(offsets[position + 1] - offsets[position]))
    }
}
