import EventModel
import Journal

/// Writes what is to stay of one segment to new files, in bounded memory: no more rows at a time than a seal takes.
///
/// The new segments hold the keys of their own rows and no other; their index is made from what stays, so that nothing of
/// what goes is in it. Merges make them one again.
struct SegmentRewriter: Sendable {
    let source: SegmentReader
    let change: SegmentRewrite
    let settings: SegmentStoreSettings

    /// The new files, synchronised but in no manifest yet; none when nothing stays.
    ///
    /// Cost: about 6 µs a row that stays.
    func write(to directory: SegmentDirectory) throws -> [SegmentReader] {
        var made: [SegmentReader] = []
        do {
            var chunk = try Chunk(source, settings)
            let keys = try source.withDeliveryKeys { $0.map { Array($0) } }
            try source.withRecords(0..<source.rowCount) { row, view in
                let index = try source.leafIndex(ofRow: row)
                guard !change.drops(index.rawValue, of: source.partition) else { return true }
                let key = keys?[row] ?? .none
                if let groups = change.redacted[index.rawValue]?.subtracting(view.destroyed), !groups.isEmpty {
                    let position = JournalBundle.position(of: index.rawValue)
                    let rest = try chunk.seed(of: index).map {
                        try change.remains(of: view, without: groups, at: position, in: $0)
                    }
                    try SealedForm.destroying(groups, of: view).withUnsafeBytes {
                        try chunk.append(SealedView($0), index, key, remains: rest)
                    }
                } else {
                    try chunk.append(view, index, key, remains: nil)
                }
                if chunk.isFull { try finish(&chunk, directory, &made) }
                return true
            }
            try finish(&chunk, directory, &made)
            return made
        } catch {
            for reader in made { try? directory.remove(reader) }
            throw error
        }
    }

    private func finish(
        _ chunk: inout Chunk, _ directory: SegmentDirectory, _ made: inout [SegmentReader]
    ) throws {
        guard let memory = try chunk.finish() else { return }
        made.append(try directory.write(memory, generation: SegmentEntry(source).generation + 1))
    }

    /// The rows of one new file.
    private struct Chunk {
        private let source: SegmentReader
        private let settings: SegmentStoreSettings
        private let writer: SegmentWriter
        private var bundle: UInt64?
        private var seed: SaltSeed?
        private var isKept = [Bool](repeating: false, count: Int(JournalBundle.size))
        private var remains: [EventRemains] = []

        init(_ source: SegmentReader, _ settings: SegmentStoreSettings) throws {
            self.source = source
            self.settings = settings
            writer = try SegmentWriter(partition: source.partition, compressionLevel: settings.compressionLevel)
        }

        var isFull: Bool { writer.rowCount >= settings.sealRows || writer.recordBytes >= settings.sealBytes }

        /// The stored seed of a leaf's bundle.
        mutating func seed(of index: LeafIndex) throws -> SaltSeed? {
            let number = JournalBundle.number(of: index.rawValue)
            if bundle != number {
                closeBundle()
                bundle = number
                seed = try source.seed(for: index)
            }
            return seed
        }

        mutating func append(
            _ view: SealedView, _ index: LeafIndex, _ key: RecordKey, remains rest: EventRemains?
        ) throws {
            _ = try seed(of: index)
            try writer.append(view, index: index, key: key)
            if let rest { remains.append(rest) }
            isKept[Int(JournalBundle.position(of: index.rawValue))] = true
        }

        mutating func finish() throws -> SegmentMemory? {
            closeBundle()
            return try writer.finish()
        }

        private mutating func closeBundle() {
            if let bundle, let seed {
                var own = seed.restricted { isKept[Int($0)] }
                for rest in remains { own = own.replacingKey(with: rest) }
                writer.append(seed: BundleSeed(bundle: bundle, seed: own))
            }
            bundle = nil
            seed = nil
            remains = []
            isKept = [Bool](repeating: false, count: Int(JournalBundle.size))
        }
    }
}

extension SegmentDirectory {
    /// Writes a segment that was built in memory to its file and makes file and name durable. No manifest names it yet.
    func write(_ memory: SegmentMemory, generation: Int) throws -> SegmentReader {
        let built = try SegmentReader(.memory(memory), name: "rows in memory", isTrusted: true)
        let entry = SegmentEntry(header: built.header, checksum: built.headerChecksum, generation: generation)
        return try writeFile(entry.path) { sink in
            try sink.append(memory.bytes)
            try sink.patchHeader(Array(memory.bytes[0..<SegmentHeader.bytes]))
        }
    }
}
