/// Builds the one frame of a group in a buffer that is used again and again.
struct FrameEncoder {
    /// The bytes of the last frame that was built.
    private(set) var bytes: [UInt8] = []
    /// Its digest.
    private(set) var digest = Bytes32.zero

    /// Builds a frame after `prefix`, the bytes that precede it in the same write.
    ///
    /// - Throws: `tooLarge`.
    mutating func encode(
        _ pages: [(page: JournalPage, kept: RecordMask)], seeds: SeedTable, firstIndex: UInt64, after previous: Bytes32,
        prefix: [UInt8]
    ) throws {
        let seeds = seeds.sorted
        let body = pages.reduce(0) { sum, entry in
            sum + PageHeader.bytes + PageHeader(entry.page, kept: entry.kept).bodyBytes
        }
        let length = FrameHeader.bytes + body + seeds.count * StoredSeed.bytes + FrameHeader.digestBytes
        guard length <= JournalLimits.frameBytes else {
            throw JournalError(.tooLarge, "a group of \(length) bytes is larger than \(JournalLimits.frameBytes)")
        }
        let header = FrameHeader(
            length: UInt32(length), firstIndex: firstIndex,
            recordCount: UInt32(pages.reduce(0) { $0 + $1.kept.keptCount }), pageCount: UInt32(pages.count),
            seedCount: UInt32(seeds.count))
        bytes.removeAll(keepingCapacity: true)
        bytes.reserveCapacity(prefix.count + length)
        bytes += prefix
        bytes += header.encoded(after: previous)
        for (page, kept) in pages {
            PageHeader(page, kept: kept).append(to: &bytes)
            kept.store(into: &bytes)
            bytes += page.lengths
            bytes += page.compressed
        }
        for (key, seed) in seeds {
            guard let root = seed.root else { preconditionFailure("the journal makes only whole seeds") }
            StoredSeed.append(key, root: root, to: &bytes)
        }
        digest = bytes.withUnsafeBytes { JournalDigest.frame($0.part(prefix.count..<$0.count), after: previous) }
        digest.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }
}
