/// Writes the sections of a token index from words and identifiers that come in ascending order.
/// docs/format/segment.md §10. Its owner calls ``free()``.
struct TokenIndexWriter {
    /// Words, and identifiers, between two places where a reader can begin.
    static let wordsPerBlock = 64
    static let identifiersPerBlock = 256
    /// Stands behind every word, and before the first: it belongs to no token.
    static let separator = UInt8(ascii: "\n")

    private let bundleCount: Int
    private var texts = GrowableMemory<UInt8>(capacity: 1 << 16)
    private var wordBlocks = GrowableMemory<UInt32>()
    private var postings = GrowableMemory<UInt8>(capacity: 1 << 16)
    private var fields = GrowableMemory<UInt8>(capacity: 1 << 12)
    private var wordCount = 0
    private var identifiers = RiceWriter()
    /// Of the open block.
    private var numbers = GrowableMemory<UInt64>(capacity: Self.identifiersPerBlock)
    private var identifierBlocks = GrowableMemory<UInt32>()
    private var identifierCount = 0
    private var lastHash: UInt32 = 0

    init(bundleCount: Int) {
        self.bundleCount = bundleCount
        texts.append(Self.separator)
    }

    func free() {
        texts.free()
        wordBlocks.free()
        postings.free()
        fields.free()
        identifiers.free()
        numbers.free()
        identifierBlocks.free()
    }

    /// Adds the next word, the columns that hold it (``WordFields``), and the ordinals of the bundles that do.
    mutating func add(word: UnsafeRawBufferPointer, fields own: UInt8, bundles: UnsafeBufferPointer<UInt32>) {
        if wordCount % Self.wordsPerBlock == 0 {
            wordBlocks.append(UInt32(texts.count))
            wordBlocks.append(UInt32(postings.count))
        }
        wordCount += 1
        fields.append(own)
        texts.append(bytes: word)
        texts.append(Self.separator)
        PostingList.append(bundles, universe: bundleCount, to: &postings)
    }

    /// Adds the next identifier's hash in one bundle; hashes ascend, and bundles for one hash.
    @inline(__always)
    mutating func add(identifier hash: UInt32, bundle: UInt32) {
        if numbers.count == 0 {
            identifierBlocks.append(hash)
            identifierBlocks.append(UInt32(identifiers.bytes.count))
            lastHash = hash
        }
        identifierCount += 1
        numbers.append(UInt64(hash - lastHash) * UInt64(bundleCount) + UInt64(bundle))
        lastHash = hash
        if numbers.count == Self.identifiersPerBlock { closeIdentifierBlock() }
    }

    /// A block keeps as many low bits of its numbers as suit them.
    private mutating func closeIdentifierBlock() {
        guard numbers.count > 0 else { return }
        let bits = RiceCode.bits(mean: numbers.buffer.reduce(0, +) / UInt64(numbers.count))
        identifiers.append(byte: UInt8(bits))
        for number in numbers.buffer { identifiers.append(number, bits: bits) }
        identifiers.align()
        numbers.removeAll()
    }

    /// Writes what was added, the bundles that hold opaque tokens or escapes, and the columns that hold opaque tokens.
    mutating func write(
        to composer: SegmentComposer, opaque: UnsafeBufferPointer<UInt32>, escaped: UnsafeBufferPointer<UInt32>,
        opaqueFields: UInt8
    ) throws {
        try composer.section(.words) {
            try composer.append(numbers: texts.buffer)
            return wordCount
        }
        try composer.section(.wordBlocks) {
            try composer.append(numbers: wordBlocks.buffer)
            return wordBlocks.count / 2
        }
        try composer.section(.wordPostings) {
            try composer.append(numbers: postings.buffer)
            return wordCount
        }
        closeIdentifierBlock()
        try composer.section(.identifiers) {
            try composer.append(numbers: identifiers.bytes.buffer)
            return identifierCount
        }
        try composer.section(.identifierBlocks) {
            try composer.append(numbers: identifierBlocks.buffer)
            return identifierBlocks.count / 2
        }
        try composer.section(.noted) {
            var lists = GrowableMemory<UInt8>()
            defer { lists.free() }
            PostingList.append(opaque, universe: bundleCount, to: &lists)
            PostingList.append(escaped, universe: bundleCount, to: &lists)
            try composer.append(numbers: lists.buffer)
            return bundleCount
        }
        fields.append(opaqueFields)
        try composer.section(.wordFields) {
            try composer.append(numbers: fields.buffer)
            return wordCount
        }
    }
}
