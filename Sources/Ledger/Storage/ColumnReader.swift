internal import DurableFiles
internal import SystemPackage

/// Reads entries and hashes of stored bundles and levels. Knows no size: the caller asks only for what is published.
struct ColumnReader: Sendable {
    let layout: LedgerLayout
    let fileSystem: any FileSystem

    /// The first `width` entries of a bundle.
    ///
    /// - Throws: ``LedgerError/Code/corrupt`` when a file is too short or malformed, naming it.
    /// - Complexity: three files opened and read, 8 KiB and about 256 bytes.
    func bundle(_ index: UInt64, width: Int) throws -> [LeafEntry] {
        let part = index / LedgerLayout.bundlesPerPart
        let bundle = index % LedgerLayout.bundlesPerPart
        let roots = try read(
            layout.roots(part: part), at: bundle * 256 * UInt64(TreeHash.byteCount), count: width * TreeHash.byteCount)
        let details = try self.details(part: part, bundle: bundle, isFull: width == TilePath.fullWidth)
        var column = DetailColumn()
        var offset = 0
        do {
            let entries = try TreeHash.list(roots).map { try column.decode(details, at: &offset, root: $0) }
            guard width < TilePath.fullWidth || offset == details.count else {
                throw LedgerError(.malformed, "detail column has bytes after the last entry")
            }
            return entries
        } catch let error as LedgerError {
            throw LedgerError(.corrupt, "\(layout.details(part: part)), bundle \(index): \(error.reason)")
        }
    }

    /// The details of a bundle: to its end when it is full, otherwise at least those of its stored entries.
    private func details(part: UInt64, bundle: UInt64, isFull: Bool) throws -> [UInt8] {
        let path = layout.details(part: part)
        let start = try detailsEnd(part: part, bundles: bundle)
        guard isFull else {
            let file = try open(path)
            let length = try file.size()
            guard length >= start else { throw LedgerError(.corrupt, "\(path) ends before byte \(start)") }
            let count = min(length - start, UInt64(TilePath.fullWidth * DetailColumn.maximumCodeSize))
            return try read(path, at: start, count: Int(count))
        }
        let end = try detailsEnd(part: part, bundles: bundle + 1)
        let count = Int(end) - Int(start)
        guard (TilePath.fullWidth...TilePath.fullWidth * DetailColumn.maximumCodeSize).contains(count) else {
            throw LedgerError(.corrupt, "\(layout.bundles(part: part)): bundle \(bundle) has \(count) bytes of details")
        }
        return try read(path, at: start, count: count)
    }

    /// Where the details of a part's first `bundles` bundles end.
    func detailsEnd(part: UInt64, bundles: UInt64) throws -> UInt64 {
        guard bundles > 0 else { return 0 }
        let end = try read(
            layout.bundles(part: part), at: bundles * LedgerLayout.bundleRecordSize - 4, count: 4)
        return end.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The hashes `range` of a level from 1 up; level 1 only within one part.
    func hashes(level: Int, _ range: Range<UInt64>) throws -> [TreeHash] {
        let count = Int(range.upperBound - range.lowerBound)
        guard level == 1 else {
            let bytes = try read(
                layout.level(level), at: range.lowerBound * UInt64(TreeHash.byteCount),
                count: count * TreeHash.byteCount)
            return try TreeHash.list(bytes)
        }
        let stride = Int(LedgerLayout.bundleRecordSize)
        let records = try read(
            layout.bundles(part: range.lowerBound / LedgerLayout.bundlesPerPart),
            at: range.lowerBound % LedgerLayout.bundlesPerPart * LedgerLayout.bundleRecordSize, count: count * stride)
        return records.withUnsafeBytes { records in
            (0..<count).map {
                TreeHash(copying: .init(rebasing: records[$0 * stride..<$0 * stride + TreeHash.byteCount]))
            }
        }
    }

    private func open(_ path: FilePath) throws -> any File {
        do {
            return try fileSystem.open(path, .read)
        } catch let error as DurableFilesError where error.code == .notFound {
            throw LedgerError(.corrupt, "\(path) is missing")
        }
    }

    private func read(_ path: FilePath, at offset: UInt64, count: Int) throws -> [UInt8] {
        do {
            return try open(path).read(at: offset, count: count)
        } catch let error as DurableFilesError where error.code == .endOfFile {
            throw LedgerError(.corrupt, "\(path) ends before byte \(offset + UInt64(count))")
        }
    }
}
