package import EventModel
package import Journal

extension SegmentReader {
    /// Says that a column is read soon.
    func willReadColumn(_ field: Field) { willRead([.values, .valueOffsets, .codes, .rowStarts], field) }

    package func column(_ field: Field) throws -> SegmentColumn? {
        willReadColumn(field)
        guard let values = try bytes(.values, field), let codes = section(.codes, field) else { return nil }
        let offsets = try required(.valueOffsets, field)
        let codeBytes = try required(.codes, field)
        let starts = try bytes(.rowStarts, field)
        guard let offsetStart = offsets.bindMemory(to: UInt32.self).baseAddress,
            let valueStart = values.baseAddress
        else { return nil }
        let valueCount = section(.values, field).map { Int($0.itemCount) } ?? 0
        let width = CodeWriter.width(valueCount: valueCount)
        let expanded =
            codes.width > 0
            ? nil : decoded(.codes, field) { SparseCodes(codeBytes).expanded(rowCount: rowCount, width: width) }
        guard let codeStart = expanded?.bytes.baseAddress ?? codeBytes.baseAddress else { return nil }
        let startsOfRows = starts?.bindMemory(to: UInt32.self).baseAddress
        let owner = expanded.map { ColumnMemory(storage.owner, $0) as any AnyObject & Sendable } ?? storage.owner
        guard PackedDictionary.isPacked(valueCount: valueCount) else {
            return SegmentColumn(
                field: field, rowCount: rowCount, valueCount: valueCount, offsets: offsetStart,
                values: valueStart, codes: codeStart, codeWidth: width, codeCount: Int(codes.itemCount),
                starts: startsOfRows, owner: owner)
        }
        let dictionary = PackedDictionary(count: valueCount, bytes: values, starts: offsetStart)
        return SegmentColumn(
            field: field, rowCount: rowCount, values: unpackedBlocks(dictionary, of: field), codes: codeStart,
            codeWidth: width, codeCount: Int(codes.itemCount), starts: startsOfRows, owner: owner)
    }

    /// The delivery keys of all rows, in row order; nil when no row has one.
    package func withDeliveryKeys<Result>(
        _ body: (UnsafeBufferPointer<RecordKey>?) throws -> Result
    ) throws -> Result {
        let bytes = try bytes(.deliveryKeys)
        return try withExtendedLifetime(storage.owner) { try body(bytes?.bindMemory(to: RecordKey.self)) }
    }

    /// All seeds, ascending by bundle.
    package func seeds() throws -> [BundleSeed] {
        guard let bytes = try bytes(.seeds), let section = section(.seeds) else { return [] }
        return try (0..<Int(section.itemCount)).map { try seed(at: $0, in: bytes, section) }
    }

    /// The seed of the bundle that a leaf belongs to; nil when it was destroyed. Cost: O(log bundles).
    package func seed(for index: LeafIndex) throws -> SaltSeed? {
        guard let bytes = try bytes(.seeds), let section = section(.seeds) else { return nil }
        let wanted = JournalBundle.number(of: index.rawValue)
        let count = Int(section.itemCount)
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if bytes.number(at: middle * 16, as: UInt64.self) < wanted { low = middle + 1 } else { high = middle }
        }
        guard low < count, bytes.number(at: low * 16, as: UInt64.self) == wanted else { return nil }
        return try seed(at: low, in: bytes, section).seed
    }

    private func seed(
        at position: Int, in bytes: UnsafeRawBufferPointer, _ section: SegmentSection
    ) throws -> BundleSeed {
        let base = Int(section.itemCount) * 16
        let start = position == 0 ? 0 : Int(bytes.number(at: position * 16 - 8, as: UInt64.self))
        let end = Int(bytes.number(at: position * 16 + 8, as: UInt64.self))
        let seed = BundleSeed(
            bundle: bytes.number(at: position * 16, as: UInt64.self),
            encodedSeed: bytes.slice(base + start..<base + end))
        guard let seed else {
            throw fault(section, at: section.offset + UInt64(base + start), "holds no seed").error
        }
        return seed
    }
}

/// What a column's pointers go to when its codes were expanded: they are kept together.
private final class ColumnMemory: Sendable {
    private let segment: any AnyObject & Sendable
    private let codes: SegmentMemory

    init(_ segment: any AnyObject & Sendable, _ codes: SegmentMemory) {
        self.segment = segment
        self.codes = codes
    }
}
