import EventModel

// Checks that make a section safe to read without bounds checks: sizes, ascending offsets, codes within the dictionary.
// Checksums find accidents; a file can also be made wrong on purpose, and must then be an error, not a crash.

extension SegmentReader {
    /// What is wrong with a section's shape, if anything.
    func shapeFault(of section: SegmentSection) -> SegmentFault? {
        let bytes = storage.bytes.slice(section.range)
        let items = Int(clamping: section.itemCount)
        let isSound: Bool
        switch section.kind {
        case .leafIndexes: isSound = offsetsAreSound(bytes, section, items)
        case .times, .received: isSound = timesAreSound(bytes, items)
        case .deliveryKeys: isSound = items == rowCount && bytes.count == items * RecordKey.bytes
        case .values: isSound = items > 0 && bytes.count <= Int(UInt32.max)
        case .valueOffsets: isSound = valueOffsetsAreSound(bytes, section, items)
        case .codes: isSound = codesAreSound(bytes, section, items)
        case .rowStarts: isSound = rowStartsAreSound(bytes, section, items)
        case .seeds: isSound = seedsAreSound(bytes, items)
        case .blocks: isSound = blocksAreSound(bytes, items)
        case .wideRows: isSound = wideRowsAreSound(bytes, items)
        case .words: isSound = wordsAreSound(bytes, items)
        case .wordBlocks: isSound = wordBlocksAreSound(bytes, items)
        case .identifierBlocks: isSound = identifierBlocksAreSound(bytes, items)
        case .wordPostings: isSound = listsAreSound(bytes, items)
        case .wordFields: isSound = wordFieldsAreSound(bytes, items)
        case .noted: isSound = listsAreSound(bytes, 2)
        case .identifiers: isSound = identifiersAreSound(bytes, items)
        case .paths: isSound = pathsAreSound(bytes)
        case .pathData: isSound = pathDataIsSound()
        case .identities: isSound = items == rowCount && IdentityCursor(bytes, rowCount: rowCount) != nil
        case .digestStarts: isSound = items == rowCount && bytes.count == items * MemoryLayout<UInt16>.size
        case .tokenLengths: isSound = bytes.count == TokenLengths.bytes
        case .records: isSound = true
        }
        return isSound ? nil : fault(section, "is malformed")
    }

    private func offsetsAreSound(_ bytes: UnsafeRawBufferPointer, _ section: SegmentSection, _ items: Int) -> Bool {
        let width = Int(section.width)
        if width == 0 {
            let span = header.lastIndex - header.firstIndex
            return items == rowCount && bytes.count % LeafRuns.entryBytes == 0
                && LeafRuns(bytes).isSound(rowCount: rowCount, span: span)
        }
        guard width == 4 || width == 8, items == rowCount, bytes.count == items * width else { return false }
        func offset(_ row: Int) -> UInt64 {
            width == 4 ? UInt64(bytes.number(at: row * 4, as: UInt32.self)) : bytes.number(at: row * 8, as: UInt64.self)
        }
        guard offset(0) == 0, offset(items - 1) == header.lastIndex - header.firstIndex else { return false }
        return (1..<max(items, 1)).allSatisfy { offset($0) > offset($0 - 1) }
    }

    /// Chunks are checked as they are decoded.
    private func timesAreSound(_ bytes: UnsafeRawBufferPointer, _ items: Int) -> Bool {
        items == rowCount && TimeDecoder(bytes, rowCount: rowCount)?.endsWithLastChunk == true
    }

    private func valueOffsetsAreSound(
        _ bytes: UnsafeRawBufferPointer, _ section: SegmentSection, _ items: Int
    ) -> Bool {
        // Blocks are checked as they are unpacked.
        guard let values = self.section(.values, Field(rawValue: section.field)),
            values.itemCount <= UInt64(UInt32.max),
            items == Self.offsetCount(values: Int(values.itemCount)), bytes.count == (items + 1) * 4
        else { return false }
        let offsets = bytes.bindMemory(to: UInt32.self)
        guard offsets[0] == 0, Int(offsets[items]) == Int(values.length) else { return false }
        var isAscending = true
        for position in 0..<items { isAscending = isAscending && offsets[position] <= offsets[position + 1] }
        return isAscending
    }

    private static func offsetCount(values: Int) -> Int {
        PackedDictionary.isPacked(valueCount: values) ? PackedDictionary.blockCount(values: values) : values
    }

    private func codesAreSound(_ bytes: UnsafeRawBufferPointer, _ section: SegmentSection, _ items: Int) -> Bool {
        let field = Field(rawValue: section.field)
        if section.width == 0 {
            guard let values = self.section(.values, field) else { return false }
            return items == rowCount && bytes.count % 8 == 4 && self.section(.rowStarts, field) == nil
                && SparseCodes(bytes).isSound(rowCount: rowCount, valueCount: values.itemCount)
        }
        guard let values = self.section(.values, field), values.itemCount <= UInt64(UInt32.max) - 1,
            Int(section.width) == CodeWriter.width(valueCount: Int(values.itemCount)),
            bytes.count == items * Int(section.width),
            self.section(.rowStarts, field) != nil || items == rowCount
        else { return false }
        let largest: UInt32 =
            switch section.width {
            case 1: UInt32(bytes.max() ?? 0)
            case 2: UInt32(bytes.bindMemory(to: UInt16.self).max() ?? 0)
            default: bytes.bindMemory(to: UInt32.self).max() ?? 0
            }
        return UInt64(largest) <= values.itemCount
    }

    private func rowStartsAreSound(_ bytes: UnsafeRawBufferPointer, _ section: SegmentSection, _ items: Int) -> Bool {
        guard let codes = self.section(.codes, Field(rawValue: section.field)), items == rowCount,
            bytes.count == (items + 1) * 4
        else { return false }
        let starts = bytes.bindMemory(to: UInt32.self)
        var isAscending = starts[0] == 0 && UInt64(starts[items]) == codes.itemCount
        for position in 0..<items { isAscending = isAscending && starts[position] <= starts[position + 1] }
        return isAscending
    }

    private func seedsAreSound(_ bytes: UnsafeRawBufferPointer, _ items: Int) -> Bool {
        guard items <= bytes.count / 16 else { return false }
        var end: UInt64 = 0
        var bundle: UInt64?
        for position in 0..<items {
            let next = bytes.number(at: position * 16 + 8, as: UInt64.self)
            let number = bytes.number(at: position * 16, as: UInt64.self)
            guard next >= end, bundle.map({ $0 < number }) ?? true else { return false }
            end = next
            bundle = number
        }
        return end == UInt64(bytes.count - items * 16)
    }

    private func blocksAreSound(_ bytes: UnsafeRawBufferPointer, _ items: Int) -> Bool {
        guard let records = section(.records), items > 0, bytes.count == items * BlockEntry.bytes else { return false }
        var offset: UInt64 = 0
        var row: UInt64 = 0
        for entry in bytes.bindMemory(to: BlockEntry.self) {
            guard entry.offset == offset, UInt64(entry.firstRow) == row, entry.rowCount > 0,
                entry.plainBytes >= entry.rowCount, entry.compressedBytes > 0
            else { return false }
            offset += UInt64(entry.compressedBytes)
            row += UInt64(entry.rowCount)
        }
        return offset == records.length && row == UInt64(rowCount)
    }
}
