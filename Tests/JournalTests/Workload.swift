import DurableFiles
import Journal
import SystemPackage

/// A workload of made-up pages for a journal, and the memory of what was acknowledged.
struct Workload {
    static let directory: FilePath = "/data/journal"

    /// What the journal has promised to keep.
    struct Record: Equatable {
        var bytes: [UInt8]
        var partition: JournalPartition
        var salts: EventSalts
    }

    private(set) var acknowledged: [Record] = []
    private var generator: SeededGenerator
    private var serial = 0

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
    }

    static func open(
        _ disk: any FileSystem, seed: UInt64 = 1, fileBytes: UInt64 = 1_000
    ) throws -> JournalWriter {
        try JournalWriter(
            directory: directory, fileSystem: disk, random: SeededGenerator(seed: seed),
            configuration: JournalConfiguration(fileBytes: fileBytes))
    }

    /// A group of up to three pages with some records dropped, and the records that are kept.
    mutating func group() throws -> (pages: [(page: JournalPage, kept: RecordMask)], kept: [[Record]]) {
        var pages: [(page: JournalPage, kept: RecordMask)] = []
        var kept: [[Record]] = []
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            let partition = JournalPartition(
                day: 20_000 + Int32.random(in: 0...1, using: &generator),
                retentionClass: UInt16.random(in: 0...1, using: &generator))
            let records = (0..<Int.random(in: 1...30, using: &generator)).map { _ in record() }
            var mask = RecordMask(keepingAll: records.count)
            for number in records.indices where Int.random(in: 0..<5, using: &generator) == 0 { mask.drop(number) }
            let page = try JournalPage(
                records: records.flatMap { $0 }, lengths: records.map { UInt32($0.count) }, partition: partition)
            pages.append((page, mask))
            let zero = EventSalts(key: .zero)
            kept.append(
                records.indices.filter { mask.isKept($0) }
                    .map { Record(bytes: records[$0], partition: partition, salts: zero) })
        }
        return (pages, kept)
    }

    /// Appends a group and remembers it once it is acknowledged.
    mutating func append(to journal: JournalWriter) throws {
        let (pages, kept) = try group()
        let appended = try journal.append(pages)
        remember(kept, appended)
    }

    private mutating func remember(_ kept: [[Record]], _ appended: JournalAppend) {
        precondition(appended.indexes.lowerBound == UInt64(acknowledged.count))
        for (page, first) in zip(kept, appended.firstIndexes) {
            precondition(first == (page.isEmpty ? nil : UInt64(acknowledged.count)))
            for var record in page {
                let index = UInt64(acknowledged.count)
                let bundle = JournalBundle.number(of: index)
                guard let seed = appended.seeds[bundle: bundle, record.partition] else {
                    preconditionFailure("no seed for \(index)")
                }
                var deriver = SaltDeriver(seed)
                if let salts = deriver.salts(at: JournalBundle.position(of: index)) { record.salts = salts }
                acknowledged.append(record)
            }
        }
    }

    /// Forgets what a journal no longer has to have: what was never acknowledged and yet survived is adopted.
    mutating func adoptUnacknowledged(from journal: JournalWriter) throws {
        try journal.reader.read(from: UInt64(acknowledged.count)) { batch in
            try batch.forEach { _, bytes, salts in
                acknowledged.append(Record(bytes: Array(bytes), partition: batch.partition, salts: salts))
            }
        }
    }

    /// Everything in a journal from an index on.
    static func contents(of reader: JournalReader, from first: UInt64 = 0) throws -> [Record] {
        var records: [Record] = []
        try reader.read(from: first) { batch in
            precondition(batch.firstIndex == first + UInt64(records.count))
            try batch.forEach { index, bytes, salts in
                precondition(index == first + UInt64(records.count))
                records.append(Record(bytes: Array(bytes), partition: batch.partition, salts: salts))
            }
        }
        return records
    }

    private mutating func record() -> [UInt8] {
        serial += 1
        let noise = String(generator.next(), radix: 36)
        let filler = String(repeating: "x", count: Int.random(in: 0...40, using: &generator))
        return Array("{\"id\":\(serial),\"actor\":\"\(noise)\",\"note\":\"\(filler)\"}".utf8)
    }
}
