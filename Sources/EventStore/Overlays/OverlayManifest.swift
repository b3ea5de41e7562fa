import DurableFiles
import EventModel
import Journal
import SystemPackage

/// Which overlay files are live. One small text file, replaced as a whole, so that a reading of a source's history is there
/// altogether or not at all.
///
///     custody-overlays 1
///     source acme-github
///     segment 2026-11-23 0 leaves 17 65501 rows 812 time A B received A B records N bytes N checksum HEX generation 3
///     checksum HEX
///
/// A `source` line says whose the files below it are. docs/format/overlay.md §3.
struct OverlayManifest: Equatable, Sendable {
    struct File: Equatable, Sendable {
        let source: String
        let entry: SegmentEntry
    }

    static let fileName = "manifest"
    private static let title = "custody-overlays 1"

    /// Ascending by source, then partition, then leaf.
    var files: [File] = [] {
        didSet {
            files.sort { one, other in
                guard one.source == other.source else { return one.source < other.source }
                guard one.entry.partition == other.entry.partition else {
                    return one.entry.partition.precedes(other.entry.partition)
                }
                return one.entry.indexes.lowerBound < other.entry.indexes.lowerBound
            }
        }
    }

    init() {}

    func encoded() -> [UInt8] {
        var text = Self.title + "\n"
        var source: String?
        for file in files {
            if file.source != source { text += "source \(file.source)\n" }
            source = file.source
            text += file.entry.manifestLine + "\n"
        }
        let bytes = Array(text.utf8)
        return bytes + Array("checksum \(String(Checksum.of(bytes), radix: 16))\n".utf8)
    }

    /// Reads what ``encoded()`` wrote.
    ///
    /// - Throws: `manifestUnusable` or `unknownVersion`.
    init(_ bytes: [UInt8]) throws {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 3, lines.last == "" else { throw Self.unusable("it is cut off") }
        let sum = lines[lines.count - 2]
        let covered = bytes.count - sum.utf8.count - 1
        guard sum == "checksum \(String(Checksum.of(Array(bytes[..<covered])), radix: 16))" else {
            throw Self.unusable("checksum mismatch")
        }
        guard lines[0] == Self.title else {
            throw EventStoreError(.unknownVersion, "manifest \"\(lines[0])\" is not known here")
        }
        var source: String?
        var read: [File] = []
        for (number, line) in lines.enumerated().dropFirst().dropLast(2) {
            if line.hasPrefix("source ") {
                source = String(line.dropFirst(7))
            } else if let source, let entry = SegmentEntry(line.split(separator: " ")), entry.generation > 0 {
                read.append(File(source: source, entry: entry))
            } else {
                throw Self.unusable("line \(number + 1) is malformed")
            }
        }
        files = read
    }

    private static func unusable(_ reason: String) -> EventStoreError {
        EventStoreError(.manifestUnusable, "the overlays' manifest cannot be used: \(reason)")
    }
}
