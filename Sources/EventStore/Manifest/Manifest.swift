import DurableFiles
import EventModel
import Journal
import SystemPackage

/// Which segments are live, and up to which leaf everything is in them. One small text file, replaced as a whole.
///
///     custody-segments 1
///     durable 131072
///     sealed 2026-11-23 0 131071
///     segment 2026-11-23 0 leaves 0 65535 rows 65536 time A B received A B records N bytes N checksum HEX
///     checksum HEX
///
/// `sealed` says up to which leaf a partition's records are in segments, which can be further than `durable`: a slower
/// partition holds that back. The last line is the checksum of everything before it. docs/format/segment.md §9.
struct Manifest: Equatable, Sendable {
    static let fileName = "manifest"
    private static let title = "custody-segments"
    private static let version = "1"

    /// Every leaf below this is in a segment that this manifest names, or was dropped lawfully.
    var durable = LeafIndex(0)
    /// The last leaf of each partition that is or was in a segment.
    var sealed: [JournalPartition: UInt64] = [:]
    /// Ascending by partition, then by leaf.
    var segments: [SegmentEntry] = []

    init() {}

    // MARK: Text

    func encoded() -> [UInt8] {
        var text = "\(Self.title) \(Self.version)\ndurable \(durable)\n"
        for (partition, last) in sealed.sorted(by: { $0.key.precedes($1.key) }) {
            text += "sealed \(Self.name(partition)) \(last)\n"
        }
        for segment in segments {
            text += segment.manifestLine + "\n"
        }
        let bytes = Array(text.utf8)
        return bytes + Array("checksum \(String(Checksum.of(bytes), radix: 16))\n".utf8)
    }

    fileprivate static func name(_ partition: JournalPartition) -> String {
        "\(SegmentEntry.dayText(partition.day)) \(partition.retentionClass)"
    }

    /// Reads what ``encoded()`` wrote.
    ///
    /// - Throws: `manifestUnusable` or `unknownVersion`.
    init(_ bytes: [UInt8]) throws {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 4, lines.last == "" else { throw Self.unusable("it is cut off") }
        let sum = lines[lines.count - 2]
        let covered = bytes.count - sum.utf8.count - 1
        guard sum == "checksum \(String(Checksum.of(Array(bytes[..<covered])), radix: 16))" else {
            throw Self.unusable("checksum mismatch")
        }
        guard lines[0].hasPrefix(Self.title) else { throw Self.unusable("it is not a manifest") }
        guard lines[0] == "\(Self.title) \(Self.version)" else {
            throw EventStoreError(.unknownVersion, "manifest \"\(lines[0])\" is not known here")
        }
        for (number, line) in lines.enumerated().dropFirst().dropLast(2) {
            guard read(line.split(separator: " ")) else { throw Self.unusable("line \(number + 1) is malformed") }
        }
    }

    private mutating func read(_ words: [Substring]) -> Bool {
        switch words.first {
        case "durable":
            guard words.count == 2, let index = UInt64(words[1]) else { return false }
            durable = LeafIndex(index)
        case "sealed":
            guard words.count == 4, let partition = Self.partition(words[1], words[2]), let last = UInt64(words[3])
            else { return false }
            sealed[partition] = last
        case "segment":
            guard let segment = SegmentEntry(words) else { return false }
            segments.append(segment)
        default: return false
        }
        return true
    }

    static func partition(_ day: Substring, _ retentionClass: Substring) -> JournalPartition? {
        guard let day = SegmentEntry.dayNumber(day), let retentionClass = UInt16(retentionClass) else { return nil }
        return JournalPartition(day: day, retentionClass: retentionClass)
    }

    private static func unusable(_ reason: String) -> EventStoreError {
        EventStoreError(.manifestUnusable, "the segments' manifest cannot be used: \(reason)")
    }
}

extension JournalPartition {
    /// By day, then by class.
    func precedes(_ other: JournalPartition) -> Bool {
        (day, retentionClass) < (other.day, other.retentionClass)
    }
}

extension SegmentEntry {
    /// The `segment` line of a manifest.
    var manifestLine: String {
        func numbers<Bound: RawRepresentable>(_ range: ClosedRange<Bound>) -> String {
            "\(range.lowerBound.rawValue) \(range.upperBound.rawValue)"
        }
        var text = "segment \(Manifest.name(partition)) leaves \(numbers(indexes)) rows \(rowCount)"
        text += " time \(numbers(timeBounds)) received \(numbers(receivedBounds))"
        text += " records \(recordBytes) bytes \(fileBytes) checksum \(String(checksum, radix: 16))"
        return generation == 0 ? text : text + " generation \(generation)"
    }

    /// The words of a `segment` line.
    init?(_ words: [Substring]) {
        let labels: [Int: Substring] = [
            3: "leaves", 6: "rows", 8: "time", 11: "received", 14: "records", 16: "bytes", 18: "checksum",
        ]
        guard words.count == 20 || words.count == 22 && words[20] == "generation",
            labels.allSatisfy({ words[$0.key] == $0.value }),
            let partition = Manifest.partition(words[1], words[2]),
            let first = UInt64(words[4]), let last = UInt64(words[5]), first <= last,
            let rows = Int(words[7]), rows > 0,
            let earliest = Int64(words[9]), let latest = Int64(words[10]), earliest <= latest,
            let firstReceived = Int64(words[12]), let lastReceived = Int64(words[13]), firstReceived <= lastReceived,
            let recordBytes = UInt64(words[15]), let fileBytes = UInt64(words[17]),
            let checksum = UInt64(words[19], radix: 16)
        else { return nil }
        self.partition = partition
        indexes = LeafIndex(first)...LeafIndex(last)
        rowCount = rows
        timeBounds = Timestamp(rawValue: earliest)...Timestamp(rawValue: latest)
        receivedBounds = Timestamp(rawValue: firstReceived)...Timestamp(rawValue: lastReceived)
        self.recordBytes = recordBytes
        self.fileBytes = fileBytes
        self.checksum = checksum
        guard words.count == 22 else {
            generation = 0
            return
        }
        guard let generation = Int(words[21]), generation > 0 else { return nil }
        self.generation = generation
    }
}
