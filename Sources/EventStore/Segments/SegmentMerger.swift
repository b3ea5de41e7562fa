import EventModel

/// Makes one segment of several adjacent ones of a partition, in bounded memory: one column, or one block, at a time.
///
/// The result's index is byte for byte the one that a ``SegmentWriter`` would have made of all records. Compressed blocks
/// are copied; runs of small ones are made into large ones. Cost: about 1 µs a row.
struct SegmentMerger {
    /// Blocks at least this large are copied as they are.
    static let copiedRows = 128
    static let copiedBytes = 1 << 19

    /// Whether a block of so many rows and plain bytes is large enough.
    static func isCopied(rows: Int, bytes: Int) -> Bool { rows >= copiedRows || bytes >= copiedBytes }

    let inputs: [SegmentReader]
    let compressionLevel: Int32

    /// - Throws: `refused` when the inputs are not adjacent segments of one partition in ascending order.
    init(_ inputs: [SegmentReader], compressionLevel: Int32) throws {
        guard let first = inputs.first else { throw EventStoreError(.refused, "nothing to merge") }
        for (left, right) in zip(inputs, inputs.dropFirst()) {
            guard right.partition == first.partition, right.header.firstIndex > left.header.lastIndex else {
                throw EventStoreError(.refused, "\(right.name) does not follow \(left.name)")
            }
        }
        self.inputs = inputs
        self.compressionLevel = compressionLevel
    }

    /// Writes the merged segment.
    ///
    /// - Throws: `damaged` when an input is not what was written, and whatever the sink throws.
    @discardableResult
    func write(to sink: any SegmentSink) throws -> SegmentHeader {
        let header = mergedHeader()
        let composer = try SegmentComposer(sink)
        try writeIndexes(header, to: composer)
        try writeTimes(.time, .times, to: composer)
        try writeTimes(.received, .received, to: composer)
        try writeIdentities(to: composer)
        for field in Field.allCases where inputs.contains(where: { $0.section(.values, field) != nil }) {
            try ColumnMerger(field, inputs).write(to: composer)
        }
        try PathIndexMerger(inputs).write(to: composer)
        try TokenIndexMerger(inputs).write(to: composer)
        try write(.digestStarts, bytesPerRow: MemoryLayout<UInt16>.size, header, to: composer)
        try write(.deliveryKeys, bytesPerRow: RecordKey.bytes, header, to: composer)
        try writeSeeds(to: composer)
        try writeRecords(to: composer)
        return try composer.finish(header)
    }

    /// The path of the file that the merged segment gets; see ``SegmentEntry/path``.
    var entryPath: String {
        let header = mergedHeader()
        return SegmentEntry(header: header, checksum: 0).path
    }

    private func mergedHeader() -> SegmentHeader {
        var header = SegmentHeader(partition: inputs[0].partition)
        header.firstIndex = inputs[0].header.firstIndex
        header.lastIndex = inputs[inputs.count - 1].header.lastIndex
        for input in inputs {
            header.rowCount += input.rowCount
            header.recordBytes += input.header.recordBytes
            header.cover(time: input.header.earliestTime, received: input.header.earliestReceived)
            header.cover(time: input.header.latestTime, received: input.header.latestReceived)
        }
        return header
    }

    private func writeIndexes(_ header: SegmentHeader, to composer: SegmentComposer) throws {
        var indexes = try inputs.map { try $0.leafIndexes() }
        var input = 0
        var base = 0
        try composer.leafIndexes(header) { row in
            // Asked for in order, once or twice.
            if row == 0 { (input, base) = (0, 0) }
            while row - base >= inputs[input].rowCount {
                base += inputs[input].rowCount
                input += 1
            }
            return indexes[input](row - base).rawValue
        }
    }

    private func writeTimes(_ field: Field, _ kind: SectionKind, to composer: SegmentComposer) throws {
        var encoder = TimeEncoder()
        defer { encoder.free() }
        for input in inputs {
            try input.withTimes(field) { for time in $0 { encoder.append(time) } }
            input.release(kind)
        }
        try encoder.write(to: composer, kind)
    }

    private func writeIdentities(to composer: SegmentComposer) throws {
        var encoder = IdentityEncoder()
        defer { encoder.free() }
        for input in inputs {
            var identities = try input.identities()
            for row in 0..<input.rowCount {
                guard let identity = identities.identity(ofRow: row) else { throw input.malformedIdentities }
                encoder.append(identity)
            }
            input.release(.identities)
        }
        try encoder.write(to: composer)
    }

    /// Writes a section of so many bytes for each row, zeros for the rows of those that have none.
    private func write(
        _ kind: SectionKind, bytesPerRow: Int, _ header: SegmentHeader, to composer: SegmentComposer
    ) throws {
        guard inputs.contains(where: { $0.section(kind) != nil }) else { return }
        try composer.section(kind) {
            for input in inputs {
                if let bytes = try input.bytes(kind) {
                    try composer.append(bytes)
                    input.release(kind)
                } else {
                    let none = [UInt8](repeating: 0, count: input.rowCount * bytesPerRow)
                    try none.withUnsafeBytes { try composer.append($0) }
                }
            }
            return header.rowCount
        }
    }

    /// A bundle that two inputs share has the same seed in both, until something of it was destroyed: then each has the
    /// keys of its own rows.
    private func writeSeeds(to composer: SegmentComposer) throws {
        var seeds: [BundleSeed] = []
        for (number, input) in inputs.enumerated() {
            for seed in try input.seeds() {
                if let known = seeds.last, known.bundle == seed.bundle {
                    guard known != seed else { continue }
                    seeds[seeds.count - 1] = try known.joined(
                        havingRowsOf: inputs[..<number], with: seed, havingRowsOf: input)
                } else {
                    seeds.append(seed)
                }
            }
        }
        try composer.seeds(seeds)
    }

    private func writeRecords(to composer: SegmentComposer) throws {
        let blocks = try BlockCompressor(level: compressionLevel)
        try composer.section(.records) {
            for input in inputs {
                let decoder = try BlockDecoder(input)
                for number in 0..<decoder.blockCount {
                    try copy(number, of: decoder, to: blocks)
                    try blocks.drain(to: composer)
                }
                input.release(.records)
            }
            try blocks.closeBlock()
            try blocks.drain(to: composer)
            return blocks.entries.count
        }
        try composer.blockDirectory(blocks.entries)
    }

    private func copy(_ number: Int, of decoder: BlockDecoder, to blocks: BlockCompressor) throws {
        let entry = decoder.entry(number)
        guard Self.isCopied(rows: Int(entry.rowCount), bytes: Int(entry.plainBytes)) else {
            let block = try decoder.stored(number)
            for row in block.rows { try blocks.append(block.text(ofRow: row)) }
            return
        }
        // What was gathered from small blocks before this one must stay before it.
        try blocks.closeBlock()
        try blocks.append(block: decoder.compressed(number), entry: entry)
    }
}
