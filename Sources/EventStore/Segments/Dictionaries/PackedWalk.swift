/// Reads all values of a packed dictionary, each valid until the next but one is read. Its owner calls ``free()``.
struct PackedWalk {
    private let dictionary: PackedDictionary
    private var block = 0
    private var reader: PackedBlockReader
    private var current = PackedValueBuffer()
    private var last = PackedValueBuffer()

    init(_ dictionary: PackedDictionary) {
        self.dictionary = dictionary
        reader = PackedBlockReader(dictionary.block(0))
    }

    func free() {
        current.free()
        last.free()
    }

    /// The next value; nil where there is none that could be read.
    mutating func next() -> UnsafeRawBufferPointer? {
        while reader.isAtEnd, block + 1 < dictionary.blockCount {
            block += 1
            reader = PackedBlockReader(dictionary.block(block))
        }
        guard let value = reader.next() else { return nil }
        swap(&current, &last)
        current.replace(by: value, behind: last)
        return current.value
    }
}
