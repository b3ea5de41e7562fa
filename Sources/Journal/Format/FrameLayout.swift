/// Where everything is in a frame whose digest was right.
struct FrameLayout: Sendable {
    struct Page: Sendable {
        let header: PageHeader
        let mask: RecordMask
        /// Index of the page's first kept record.
        let firstIndex: UInt64
        let lengths: Range<Int>
        let compressed: Range<Int>

        var indexes: Range<UInt64> { firstIndex..<firstIndex + UInt64(mask.keptCount) }
    }

    let header: FrameHeader
    let pages: [Page]
    let seeds: SeedTable

    /// Reads the layout of a whole frame.
    ///
    /// - Throws: `altered`, for a frame that Custody would not have written, though its digest may be right.
    init(_ frame: UnsafeRawBufferPointer, _ header: FrameHeader) throws {
        self.header = header
        var position = FrameHeader.bytes
        let pagesEnd =
            frame.count - FrameHeader.digestBytes - Int(header.seedCount) * StoredSeed.bytes
        var index = header.firstIndex
        var pages: [Page] = []
        for _ in 0..<header.pageCount {
            let page = try Self.page(frame, at: &position, end: pagesEnd, firstIndex: index)
            index += UInt64(page.mask.keptCount)
            pages.append(page)
        }
        guard position == pagesEnd, index - header.firstIndex == UInt64(header.recordCount) else {
            throw JournalError(.altered, "pages do not fill their frame")
        }
        self.pages = pages
        seeds = try Self.seeds(frame.part(pagesEnd..<frame.count - FrameHeader.digestBytes))
        for page in pages {
            for bundle in JournalBundle.numbers(of: page.indexes)
            where seeds[bundle: bundle, page.header.partition] == nil {
                throw JournalError(.altered, "a frame lacks the seed of bundle \(bundle)")
            }
        }
    }

    private static func page(
        _ frame: UnsafeRawBufferPointer, at position: inout Int, end: Int, firstIndex: UInt64
    ) throws -> Page {
        guard position <= end, let header = PageHeader(frame.part(position..<end)),
            position + PageHeader.bytes + header.bodyBytes <= end
        else { throw JournalError(.altered, "a page header is not valid") }
        let maskStart = position + PageHeader.bytes
        let lengthsStart = maskStart + Int(header.maskBytes)
        let compressedStart = lengthsStart + Int(header.lengthBytes)
        position = compressedStart + Int(header.compressedBytes)
        guard
            let mask = RecordMask(
                stored: frame.part(maskStart..<lengthsStart), count: Int(header.recordCount))
        else { throw JournalError(.altered, "a page's mask is not valid") }
        return Page(
            header: header, mask: mask, firstIndex: firstIndex, lengths: lengthsStart..<compressedStart,
            compressed: compressedStart..<position)
    }

    private static func seeds(_ bytes: UnsafeRawBufferPointer) throws -> SeedTable {
        var table = SeedTable()
        for start in stride(from: 0, to: bytes.count, by: StoredSeed.bytes) {
            guard let (key, seed) = StoredSeed.read(bytes.part(start..<start + StoredSeed.bytes)),
                table[bundle: key.bundle, key.partition] == nil
            else { throw JournalError(.altered, "a stored seed is not valid") }
            table[bundle: key.bundle, key.partition] = seed
        }
        return table
    }
}
