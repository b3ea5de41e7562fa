import EventModel

/// Merges token indexes: dictionaries and lists of hashes are walked together, ordinals of bundles move by what stands
/// before them. The result is the one that a ``TokenIndexBuilder`` makes of all records.
struct TokenIndexMerger {
    private let inputs: [SegmentReader]
    /// What to add to each input's ordinals. Two inputs share a bundle when one ends inside of it.
    private let bases: [UInt32]
    private let bundleCounts: [Int]
    private let bundleCount: Int

    init(_ inputs: [SegmentReader]) throws {
        self.inputs = inputs
        var bases: [UInt32] = []
        var counts: [Int] = []
        var total = 0
        var last: UInt64?
        for input in inputs {
            let map = try input.bundleMap()
            if last == map.first { total -= 1 }
            bases.append(UInt32(total))
            counts.append(map.count)
            total += map.count
            last = map.last
        }
        self.bases = bases
        bundleCounts = counts
        bundleCount = total
    }

    func write(to composer: SegmentComposer) throws {
        var writer = TokenIndexWriter(bundleCount: bundleCount)
        defer { writer.free() }
        try mergeWords(to: &writer)
        for input in inputs { for kind in [SectionKind.words, .wordPostings, .wordFields] { input.release(kind) } }
        try mergeIdentifiers(to: &writer)
        for input in inputs { for kind in [SectionKind.identifiers, .identifierBlocks] { input.release(kind) } }
        var opaque = GrowableMemory<UInt32>()
        var escaped = GrowableMemory<UInt32>()
        defer {
            opaque.free()
            escaped.free()
        }
        for (number, input) in inputs.enumerated() {
            let bytes = try input.required(.noted)
            var position = 0
            try append(bytes, &position, of: number, to: &opaque)
            try append(bytes, &position, of: number, to: &escaped)
        }
        var opaqueFields = WordFields.none
        for input in inputs { WordFields.add(try input.required(.wordFields).last ?? 0, to: &opaqueFields) }
        try writer.write(
            to: composer, opaque: opaque.buffer, escaped: escaped.buffer, opaqueFields: opaqueFields)
        let lengths = TokenLengths()
        defer { lengths.free() }
        for input in inputs { lengths.note(try input.required(.tokenLengths)) }
        try lengths.write(to: composer)
    }

    /// Appends a posting list of an input to one of the result.
    @inline(__always)
    private func append(
        _ bytes: UnsafeRawBufferPointer, _ position: inout Int, of number: Int, to list: inout GrowableMemory<UInt32>
    ) throws {
        let base = bases[number]
        let isSound = PostingList.read(bytes, at: &position, universe: bundleCounts[number]) { ordinal in
            let moved = base + ordinal
            if list.count == 0 || list[list.count - 1] != moved { list.append(moved) }
        }
        guard isSound else { throw damaged(.wordPostings, number) }
    }

    private func damaged(_ kind: SectionKind, _ number: Int) -> EventStoreError {
        SegmentFault(file: inputs[number].name, section: "\(kind)", offset: 0, reason: "is malformed").error
    }

    // MARK: Words

    private func mergeWords(to writer: inout TokenIndexWriter) throws {
        var postings: [UnsafeRawBufferPointer] = []
        var fields: [UnsafeRawBufferPointer] = []
        var places = [Int](repeating: 0, count: inputs.count)
        var cursors: [WordCursor] = []
        for (number, input) in inputs.enumerated() {
            postings.append(try input.required(.wordPostings))
            fields.append(try input.required(.wordFields))
            var cursor = WordCursor(input: number, texts: try input.required(.words))
            if cursor.advance() { cursors.append(cursor) }
        }
        var bundles = GrowableMemory<UInt32>()
        defer { bundles.free() }
        while let first = cursors.first {
            var least = first
            for cursor in cursors.dropFirst() where cursor.precedes(least) { least = cursor }
            let word = least.word
            bundles.removeAll()
            var own = WordFields.none
            var hasFinished = false
            for position in cursors.indices
            where cursors[position].prefix == least.prefix && cursors[position].word.hasSameBytes(as: word) {
                let number = cursors[position].input
                try append(postings[number], &places[number], of: number, to: &bundles)
                WordFields.add(fields[number][cursors[position].number], to: &own)
                hasFinished = !cursors[position].advance() || hasFinished
            }
            writer.add(word: word, fields: own, bundles: bundles.buffer)
            if hasFinished { cursors.removeAll { $0.isFinished } }
        }
    }

    // MARK: Identifiers

    private func mergeIdentifiers(to writer: inout TokenIndexWriter) throws {
        var cursors = GrowableMemory<IdentifierCursor>()
        var keys = GrowableMemory<UInt64>()
        defer {
            cursors.free()
            keys.free()
        }
        for (number, input) in inputs.enumerated() {
            let section = input.section(.identifiers)
            cursors.append(
                IdentifierCursor(
                    input: number, base: bases[number], universe: UInt64(bundleCounts[number]),
                    bytes: try input.required(.identifiers),
                    blocks: try input.required(.identifierBlocks), count: Int(section?.itemCount ?? 0)))
            keys.append((cursors.start + number).pointee.next())
        }
        var last = UInt64.max
        while true {
            var least = 0
            for position in 1..<keys.count where keys[position] < keys[least] { least = position }
            let key = keys[least]
            guard key != .max else { break }
            if key != last { writer.add(identifier: UInt32(key >> 32), bundle: UInt32(truncatingIfNeeded: key)) }
            last = key
            keys[least] = (cursors.start + least).pointee.next()
        }
        if let damaged = cursors.buffer.first(where: \.isDamaged) { throw self.damaged(.identifiers, damaged.input) }
    }
}

/// A place in one input's dictionary of words.
private struct WordCursor: BitwiseCopyable {
    let input: Int
    private let texts: UnsafeRawBufferPointer
    /// Where the next word begins.
    private var position = 1
    private(set) var word = UnsafeRawBufferPointer(start: nil, count: 0)
    private(set) var prefix: UInt64 = 0
    private(set) var isFinished = false
    /// Of the word.
    private(set) var number = -1

    init(input: Int, texts: UnsafeRawBufferPointer) {
        self.input = input
        self.texts = texts
    }

    /// Goes on to the next word; false at the end.
    mutating func advance() -> Bool {
        var end = position
        while end < texts.count, texts[end] != TokenIndexWriter.separator { end += 1 }
        guard end < texts.count else {
            isFinished = true
            return false
        }
        word = texts.slice(position..<end)
        prefix = DictionarySortKey.prefix(of: word)
        position = end + 1
        number += 1
        return true
    }

    @inline(__always)
    func precedes(_ other: WordCursor) -> Bool {
        prefix != other.prefix ? prefix < other.prefix : word.precedes(other.word)
    }
}

/// A place in one input's list of identifiers.
private struct IdentifierCursor: BitwiseCopyable {
    let input: Int
    private let base: UInt32
    private let universe: UInt64
    /// 2⁶⁴ / universe, so that nothing is divided for each identifier.
    private let reciprocal: UInt64
    private let bytes: UnsafeRawBufferPointer
    private let blocks: UnsafeRawBufferPointer
    private let count: Int
    private var number = 0
    private var reader: RiceReader
    private var bits = 0
    private var hash: UInt32 = 0
    private(set) var isDamaged = false

    init(
        input: Int, base: UInt32, universe: UInt64, bytes: UnsafeRawBufferPointer, blocks: UnsafeRawBufferPointer,
        count: Int
    ) {
        self.input = input
        self.base = base
        self.universe = universe
        reciprocal = .max / universe
        self.bytes = bytes
        reader = RiceReader(bytes)
        self.blocks = blocks
        self.count = count
    }

    /// The next hash and moved ordinal, 32 bits each; the largest number, which no pair is, at the end and at damage.
    @inline(__always)
    mutating func next() -> UInt64 {
        guard number < count else { return .max }
        if number % TokenIndexWriter.identifiersPerBlock == 0 {
            let block = number / TokenIndexWriter.identifiersPerBlock * 8
            hash = blocks.number(at: block, as: UInt32.self)
            let start = Int(blocks.number(at: block + 4, as: UInt32.self))
            guard start < bytes.count, bytes[start] <= RiceCode.maximumBits else { return end() }
            bits = Int(bytes[start])
            reader = RiceReader(bytes, from: start + 1)
        }
        number += 1
        guard let value = reader.next(bits: bits) else { return end() }
        var difference = value.multipliedFullWidth(by: reciprocal).high
        var ordinal = value &- difference &* universe
        // The product is too small by one at most.
        if ordinal >= universe {
            difference += 1
            ordinal -= universe
        }
        guard difference <= UInt64(UInt32.max - hash) else { return end() }
        hash += UInt32(truncatingIfNeeded: difference)
        return UInt64(hash) << 32 | UInt64(base + UInt32(truncatingIfNeeded: ordinal))
    }

    private mutating func end() -> UInt64 {
        isDamaged = true
        number = count
        return .max
    }
}
