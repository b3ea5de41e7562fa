import AccessControl
import DurableFiles
import EventModel
import Foundation
import SystemPackage

/// What a restore leaves for the server's next start, which puts it on record: DATA/restored.json.
struct RestoreNote: Codable, Equatable {
    static let fileName = "restored.json"

    /// When, RFC 3339.
    var restored: String
    /// When the backup was made.
    var backup: String
    /// Leaves of the backup.
    var size: UInt64
    /// Leaves that the ledger was seen with before; nil when it never was.
    var seen: UInt64?
    var acceptedLoss: String?
    /// Whether a newer ledger was at hand, which tells of every record that came after the backup.
    var laterIsKnown = false
    /// Records of which nothing but the leaf is known: `redaction of leaf 4711`.
    var unknown: [String] = []
    /// Records that were appended again.
    var taken: Int?
    /// Records that could not be, with the reasons.
    var refused: [String]?

    /// Events that are known to have been lost.
    var lost: UInt64 { (seen ?? size) - min(seen ?? size, size) }

    func write(to directory: FilePath, fileSystem: any FileSystem) throws {
        try fileSystem.writeAtomically(
            try encoded() + [UInt8(ascii: "\n")], to: directory.appending(Self.fileName), permissions: .privateFile)
    }

    private func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self))
    }

    private static func read(_ directory: FilePath, _ fileSystem: any FileSystem) throws -> RestoreNote? {
        let path = directory.appending(fileName)
        guard try fileSystem.exists(path) else { return nil }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(RestoreNote.self, from: Data(try fileSystem.contents(of: path)))
    }

    /// Adds what the start did with the records that were left for it.
    static func add(taken: Int, refused: [String], in directory: FilePath, fileSystem: any FileSystem) throws {
        guard var note = try read(directory, fileSystem) else { return }
        note.taken = taken
        note.refused = refused
        try note.write(to: directory, fileSystem: fileSystem)
    }

    /// The event of a restore that was not put on record yet; nil when there is none.
    static func entry(in directory: FilePath, fileSystem: any FileSystem) throws -> AuditEntry? {
        guard let note = try read(directory, fileSystem) else { return nil }
        let missing = note.unknown + (note.refused ?? [])
        let isWhole = note.lost == 0 && missing.isEmpty
        return AuditEntry(
            "ledger.restore", activity: "other", outcome: isWhole ? "success" : "failure", reason: note.acceptedLoss,
            actor: .system, resource: ("ledger", nil),
            details: [
                ("size", String(note.size)), ("seen", note.seen.map { String($0) } ?? "never"),
                ("lost", String(note.lost)),
                ("records_appended_again", String(note.taken ?? 0)),
                ("records_missing", missing.joined(separator: "; ")),
                ("later_records", note.laterIsKnown || note.lost == 0 ? "known" : "unknown"),
                ("note", String(decoding: try note.encoded(), as: UTF8.self)),
            ])
    }
}
