/// Memory for the codes of a segment's rows, which one segment after another uses: for each new block of this size the system would have to
/// make its pages one by one. Belongs to one task.
final class CodeMemory {
    /// Blocks that nobody uses at the moment.
    private var free: [UnsafeMutableBufferPointer<UInt32>] = []

    deinit { for block in free { block.deallocate() } }

    /// A block for so many codes, of which nothing is initialised.
    func take(_ count: Int) -> CodeBlock {
        if let place = free.firstIndex(where: { $0.count >= count }) {
            return CodeBlock(free.remove(at: place), count: count, of: self)
        }
        // In the place of one that is too small. Segments differ in size: a little more, so that it fits the next one too.
        free.popLast()?.deallocate()
        return CodeBlock(.allocate(capacity: count + count / 4), count: count, of: self)
    }

    fileprivate func give(_ block: UnsafeMutableBufferPointer<UInt32>) { free.append(block) }
}

/// A block of ``CodeMemory``, which gets it back when this goes.
final class CodeBlock {
    private let memory: UnsafeMutableBufferPointer<UInt32>
    private let owner: CodeMemory
    let codes: UnsafeMutableBufferPointer<UInt32>

    fileprivate init(_ memory: UnsafeMutableBufferPointer<UInt32>, count: Int, of owner: CodeMemory) {
        self.memory = memory
        self.owner = owner
        codes = memory.extracting(0..<count)
    }

    deinit { owner.give(memory) }
}
