private import CRE2
import EventModel
import QueryLanguage

/// Looks up in which bundles of a segment tokens are. What it names must be verified on the records: it leaves no match
/// out, but hashes of identifiers collide now and then, and a bundle is 256 rows.
struct TokenIndex {
    private let reader: SegmentReader
    private let universe: Int

    /// Nil when the segment has no index.
    init?(_ reader: SegmentReader) throws {
        guard reader.section(.words) != nil else { return nil }
        self.reader = reader
        universe = try reader.bundleMap().count
    }

    /// The bundles that hold all of some tokens; nil when the index cannot tell, so that any may.
    func bundles(with tokens: [TextPredicate.RequiredToken]) throws -> BundleSet? {
        var result: BundleSet?
        // Whole tokens first: their look-ups cost little, and often leave nothing to be searched.
        let whole = tokens.filter { $0.startsToken && $0.endsToken }
        let parts = tokens.filter { !($0.startsToken && $0.endsToken) }
        for token in whole + parts {
            if let result, result.isEmpty { return result }
            guard let found = try bundles(with: token) else { continue }
            if result == nil { result = found } else { result?.formIntersection(found) }
        }
        return result
    }

    /// The bundles whose payloads hold escapes of characters: tokens of their values may be written otherwise.
    func escapedBundles() throws -> BundleSet { try noted().escaped }

    private func noted() throws -> (opaque: BundleSet, escaped: BundleSet) {
        let bytes = try reader.required(.noted)
        var (opaque, escaped) = (BundleSet(universe: universe), BundleSet(universe: universe))
        var position = 0
        let isSound =
            PostingList.read(bytes, at: &position, universe: universe) { opaque.insert($0) }
            && PostingList.read(bytes, at: &position, universe: universe) { escaped.insert($0) }
        guard isSound else { throw damaged(.noted) }
        return (opaque, escaped)
    }

    private func bundles(with token: TextPredicate.RequiredToken) throws -> BundleSet? {
        try token.bytes.withUnsafeBytes { bytes in
            let classes = TokenScanner.classes(of: bytes)
            if token.startsToken, token.endsToken {
                if TokenScanner.kind(classes, length: bytes.count) == .word { return try bundles(withWord: bytes) }
                let number = TokenHash.stored(bytes, classes)
                return try bundles(withIdentifiers: number...number)
            }
            guard TokenScanner.canBeInsideIdentifier(bytes) else {
                return try bundles(withPart: bytes, startsToken: token.startsToken, endsToken: token.endsToken)
            }
            // Of identifiers there is no text. With a letter in it, their beginning tells where they are stored, and words
            // may begin so too; any other part of hexadecimal digits may stand in any identifier.
            guard token.startsToken, TokenScanner.hasLetter(classes) else { return nil }
            var found = try bundles(withIdentifiers: TokenHash.stored(beginningWith: bytes))
            found.formUnion(try bundles(withPart: bytes, startsToken: true, endsToken: false))
            return found
        }
    }

    // MARK: Identifiers

    /// The bundles with an identifier whose stored number is one of these.
    private func bundles(withIdentifiers numbers: ClosedRange<UInt32>) throws -> BundleSet {
        var found = BundleSet(universe: universe)
        let blocks = try reader.required(.identifierBlocks)
        guard let section = reader.section(.identifiers) else { throw damaged(.identifiers) }
        let (count, blockCount) = (Int(section.itemCount), blocks.count / 8)
        var (low, high) = (0, blockCount)
        while low < high {
            let middle = (low + high) / 2
            let first = blocks.number(at: middle * 8, as: UInt32.self)
            if first < numbers.lowerBound { low = middle + 1 } else { high = middle }
        }
        var block = max(low - 1, 0)
        while block < blockCount {
            let first = blocks.number(at: block * 8, as: UInt32.self)
            if first > numbers.upperBound { break }
            let start = Int(blocks.number(at: block * 8 + 4, as: UInt32.self))
            let end =
                block + 1 < blockCount
                ? Int(blocks.number(at: block * 8 + 12, as: UInt32.self)) : Int(section.length)
            guard start <= end, end <= Int(section.length) else { throw damaged(.identifiers) }
            let bytes = try reader.checked(section, start..<end)
            let members = min(
                TokenIndexWriter.identifiersPerBlock, count - block * TokenIndexWriter.identifiersPerBlock)
            guard collect(numbers, first, members, bytes, &found) else { throw damaged(.identifiers) }
            block += 1
        }
        return found
    }

    /// Reads one block. False when it is malformed.
    private func collect(
        _ numbers: ClosedRange<UInt32>, _ first: UInt32, _ members: Int, _ bytes: UnsafeRawBufferPointer,
        _ found: inout BundleSet
    ) -> Bool {
        guard let bits = bytes.first, bits <= RiceCode.maximumBits else { return false }
        var current = UInt64(first)
        var reader = RiceReader(bytes, from: 1)
        for _ in 0..<members {
            guard let value = reader.next(bits: Int(bits)) else { return false }
            current &+= value / UInt64(universe)
            if current > UInt64(numbers.upperBound) { return true }
            if current >= UInt64(numbers.lowerBound) { found.insert(UInt32(value % UInt64(universe))) }
        }
        return true
    }

    // MARK: Words

    private func bundles(withWord word: UnsafeRawBufferPointer) throws -> BundleSet {
        var found = BundleSet(universe: universe)
        let texts = try reader.required(.words)
        let blocks = try reader.required(.wordBlocks)
        // The last block whose first word does not come after the word.
        var (low, high) = (0, blocks.count / 8)
        while low < high {
            let middle = (low + high) / 2
            let first = try firstWord(texts, at: Int(blocks.number(at: middle * 8, as: UInt32.self)))
            if word.precedes(first) { high = middle } else { low = middle + 1 }
        }
        guard low > 0 else { return found }
        var cursor = try WordBlockCursor(reader, block: low - 1, universe: universe)
        while let current = cursor.word {
            if current.hasSameBytes(as: word) {
                try cursor.collect(into: &found)
                return found
            }
            guard current.precedes(word) else { return found }
            guard try cursor.advance() else { return found }
        }
        return found
    }

    private func firstWord(_ texts: UnsafeRawBufferPointer, at start: Int) throws -> UnsafeRawBufferPointer {
        guard start <= texts.count, let end = texts[start...].firstIndex(of: TokenIndexWriter.separator) else {
            throw damaged(.words)
        }
        return texts.slice(start..<end)
    }

    private func bundles(
        withPart part: UnsafeRawBufferPointer, startsToken: Bool, endsToken: Bool
    ) throws -> BundleSet {
        var (found, _) = try noted()
        let separator = TokenIndexWriter.separator
        let needle = (startsToken ? [separator] : []) + Array(part) + (endsToken ? [separator] : [])
        try forEachWord(with: needle) { cursor in
            try cursor.collect(into: &found)
            return true
        }
        return found
    }

    /// The numbers of the fields of which columns may hold a part of a token; nil when any may.
    ///
    /// - Parameter part: folded bytes of tokens, of which one at least is no hexadecimal digit: so no identifier has it.
    func fields(holding part: [UInt8]) throws -> Set<UInt8>? {
        guard let section = reader.section(.wordFields) else { throw damaged(.wordFields) }
        func fields(at place: Int) throws -> UInt8 { try reader.checked(section, place..<place + 1)[0] }
        guard Int(section.length) == Int(section.itemCount) + 1 else { throw damaged(.wordFields) }
        var found: Set<UInt8> = [try fields(at: Int(section.itemCount))]
        try forEachWord(with: part) { cursor in
            guard cursor.number < Int(section.itemCount) else { throw damaged(.wordFields) }
            found.insert(try fields(at: cursor.number))
            return !found.contains(WordFields.several)
        }
        return found.contains(WordFields.several) ? nil : found.subtracting([WordFields.none])
    }

    /// Searches the text of the dictionary, and visits the words in which a needle stands. A separator before or behind it binds it
    /// to an end of a word.
    ///
    /// - Parameter body: false ends the search.
    private func forEachWord(with needle: [UInt8], _ body: (borrowing WordBlockCursor) throws -> Bool) throws {
        let startsToken = needle.first == TokenIndexWriter.separator
        let texts = try reader.required(.words)
        let blocks = try reader.required(.wordBlocks)
        guard let base = texts.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        var cursor: WordBlockCursor?
        var offset = 0
        while offset + needle.count <= texts.count,
            let hit = custody_find_bytes(base + offset, texts.count - offset, needle, needle.count)
        {
            // The separator in front belongs to the word before.
            let place = hit - base + (startsToken ? 1 : 0)
            let block = Self.block(holding: place, blocks)
            if cursor?.block != block { cursor = try WordBlockCursor(reader, block: block, universe: universe) }
            while let end = cursor?.end, end <= place {
                guard try cursor?.advance() == true else { throw damaged(.words) }
            }
            guard let current = cursor else { throw damaged(.words) }
            guard try body(current) else { return }
            // The separator behind this word may stand before the next hit.
            offset = current.end
            if let advanced = try cursor?.advance(), !advanced { cursor = nil }
        }
    }

    private static func block(holding place: Int, _ blocks: UnsafeRawBufferPointer) -> Int {
        var (low, high) = (0, blocks.count / 8)
        while low < high {
            let middle = (low + high) / 2
            if Int(blocks.number(at: middle * 8, as: UInt32.self)) <= place { low = middle + 1 } else { high = middle }
        }
        return max(low - 1, 0)
    }

    private func damaged(_ kind: SectionKind) -> EventStoreError {
        SegmentFault(
            file: reader.name, section: "\(kind)", offset: reader.section(kind)?.offset ?? 0, reason: "is malformed"
        ).error
    }
}

/// Walks one block of words together with their posting lists.
private struct WordBlockCursor {
    let block: Int
    private let name: String
    private let universe: Int
    private let texts: UnsafeRawBufferPointer
    private let postings: UnsafeRawBufferPointer
    private var start: Int
    private let textEnd: Int
    /// Behind the current word: where its separator stands.
    private(set) var end: Int
    /// The current word's, from 0.
    private(set) var number: Int
    /// Where the current word's list begins.
    private var place = 0
    private var isFinished = false

    init(_ reader: SegmentReader, block: Int, universe: Int) throws {
        self.block = block
        self.universe = universe
        number = block * TokenIndexWriter.wordsPerBlock
        name = reader.name
        texts = try reader.required(.words)
        let blocks = try reader.required(.wordBlocks)
        guard let section = reader.section(.wordPostings), block < blocks.count / 8 else {
            throw SegmentFault(file: reader.name, section: "words", offset: 0, reason: "is malformed").error
        }
        let isLast = block + 1 == blocks.count / 8
        start = Int(blocks.number(at: block * 8, as: UInt32.self))
        textEnd = isLast ? texts.count : Int(blocks.number(at: block * 8 + 8, as: UInt32.self))
        let first = Int(blocks.number(at: block * 8 + 4, as: UInt32.self))
        let last = isLast ? Int(section.length) : Int(blocks.number(at: block * 8 + 12, as: UInt32.self))
        guard start <= textEnd, textEnd <= texts.count, first <= last, last <= Int(section.length) else {
            throw SegmentFault(file: reader.name, section: "words", offset: 0, reason: "is malformed").error
        }
        postings = try reader.checked(section, first..<last)
        end = start
        findEnd()
    }

    /// The current word; nil behind the last.
    var word: UnsafeRawBufferPointer? { isFinished ? nil : texts.slice(start..<end) }

    private mutating func findEnd() {
        end = start
        while end < textEnd, texts[end] != TokenIndexWriter.separator { end += 1 }
        if end >= textEnd { isFinished = true }
    }

    /// Goes on to the next word of the block; false behind the last.
    mutating func advance() throws -> Bool {
        guard !isFinished else { return false }
        guard PostingList.skip(postings, at: &place, universe: universe) else { throw malformed }
        start = end + 1
        number += 1
        findEnd()
        return !isFinished
    }

    /// Adds the current word's bundles.
    func collect(into found: inout BundleSet) throws {
        guard !isFinished else { throw malformed }
        var position = place
        guard PostingList.read(postings, at: &position, universe: universe, { found.insert($0) }) else {
            throw malformed
        }
    }

    private var malformed: EventStoreError {
        SegmentFault(file: name, section: "word postings", offset: 0, reason: "is malformed").error
    }
}
