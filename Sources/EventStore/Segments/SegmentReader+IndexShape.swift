import EventModel

// Checks of the sections of the token index and of the index of payload paths, as in SegmentReader+Shape.swift. Queries that
// read parts of such a section heed its bounds themselves; these checks serve whoever reads all of it.

extension SegmentReader {
    func wideRowsAreSound(_ bytes: UnsafeRawBufferPointer, _ items: Int) -> Bool {
        guard items > 0, bytes.count == items * 4 else { return false }
        let rows = bytes.bindMemory(to: UInt32.self)
        return zip(rows, rows.dropFirst()).allSatisfy { $0 < $1 } && Int(rows[items - 1]) < rowCount
    }

    func wordBlocksAreSound(_ bytes: UnsafeRawBufferPointer, _ items: Int) -> Bool {
        guard let words = section(.words), let postings = section(.wordPostings), bytes.count == items * 8,
            items == (Int(clamping: words.itemCount) + TokenIndexWriter.wordsPerBlock - 1)
                / TokenIndexWriter.wordsPerBlock
        else { return false }
        return (0..<items).allSatisfy { item in
            UInt64(bytes.number(at: item * 8, as: UInt32.self)) <= words.length
                && UInt64(bytes.number(at: item * 8 + 4, as: UInt32.self)) <= postings.length
        }
    }

    func identifierBlocksAreSound(_ bytes: UnsafeRawBufferPointer, _ items: Int) -> Bool {
        guard let identifiers = section(.identifiers), bytes.count == items * 8,
            items
                == (Int(clamping: identifiers.itemCount) + TokenIndexWriter.identifiersPerBlock - 1)
                / TokenIndexWriter.identifiersPerBlock
        else { return false }
        var previous: (hash: UInt32, offset: UInt32)?
        for item in 0..<items {
            let hash = bytes.number(at: item * 8, as: UInt32.self)
            let offset = bytes.number(at: item * 8 + 4, as: UInt32.self)
            let follows = previous.map { $0.hash <= hash && $0.offset < offset } ?? (offset == 0)
            guard follows, UInt64(offset) < identifiers.length else { return false }
            previous = (hash, offset)
        }
        return true
    }

    func wordsAreSound(_ bytes: UnsafeRawBufferPointer, _ items: Int) -> Bool {
        guard bytes.first == TokenIndexWriter.separator, bytes.last == TokenIndexWriter.separator else { return false }
        var separators = 0
        for byte in bytes { separators += byte == TokenIndexWriter.separator ? 1 : 0 }
        return separators == items + 1
    }

    func wordFieldsAreSound(_ bytes: UnsafeRawBufferPointer, _ items: Int) -> Bool {
        section(.words).map { Int(clamping: $0.itemCount) == items } == true && bytes.count == items + 1
            && bytes.allSatisfy(WordFields.isSound)
    }

    /// Whether the bytes are so many posting lists and nothing else.
    func listsAreSound(_ bytes: UnsafeRawBufferPointer, _ items: Int) -> Bool {
        guard let universe = try? bundleMap().count else { return false }
        var position = 0
        for _ in 0..<items {
            guard PostingList.read(bytes, at: &position, universe: universe, { _ in }) else { return false }
        }
        return position == bytes.count
    }

    func identifiersAreSound(_ bytes: UnsafeRawBufferPointer, _ items: Int) -> Bool {
        guard let universe = try? bundleMap().count, universe > 0 else { return false }
        var position = 0
        for start in stride(from: 0, to: items, by: TokenIndexWriter.identifiersPerBlock) {
            guard position < bytes.count, bytes[position] <= RiceCode.maximumBits else { return false }
            var reader = RiceReader(bytes, from: position + 1)
            for _ in start..<min(start + TokenIndexWriter.identifiersPerBlock, items) {
                guard let value = reader.next(bits: Int(bytes[position])),
                    value / UInt64(universe) <= UInt64(UInt32.max)
                else { return false }
            }
            guard reader.isPadded else { return false }
            position = reader.end
        }
        return position == bytes.count
    }

    func pathsAreSound(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let data = section(.pathData) else { return false }
        return PathIndex(bytes, dataBytes: Int(data.length), wideRows: [], rowCount: rowCount) != nil
    }

    func pathDataIsSound() -> Bool {
        guard let index = try? pathIndex() else { return false }
        return index.entries.allSatisfy { (try? pathColumn($0)) != nil }
    }
}
