import AccessControl
import DurableFiles
import EventModel
import SystemPackage

/// What a restore leaves for the server's next start, which puts it on record: DATA/restored.json.
struct RestoreNote {
    static let fileName = "restored.json"

    let restored: Timestamp
    /// When the backup was made.
    let backup: Timestamp
    /// Leaves of the backup.
    let size: UInt64
    /// Leaves that the ledger was seen with before; nil when it never was.
    let seen: UInt64?
    let acceptedLoss: String?

    func write(to directory: FilePath, fileSystem: any FileSystem) throws {
        var json = JSONWriter()
        json.object { json in
            json.member("restored", restored.text)
            json.member("backup", backup.text)
            json.member("size", Int64(clamping: size))
            if let seen { json.member("seen", Int64(clamping: seen)) }
            json.member("accepted_loss", acceptedLoss)
        }
        try fileSystem.writeAtomically(json.bytes + [UInt8(ascii: "\n")], to: directory.appending(Self.fileName))
    }

    /// The event of a restore that was not put on record yet; nil when there is none.
    static func entry(in directory: FilePath, fileSystem: any FileSystem) throws -> AuditEntry? {
        let path = directory.appending(fileName)
        guard try fileSystem.exists(path) else { return nil }
        let bytes = try fileSystem.contents(of: path)
        let parser = JSONParser(limits: JSONLimits(bytes: 1 << 20, depth: 4, keys: 20))
        let (size, seen, reason) = try parser.withDocument(bytes) { value in
            (value["size"]?.int64 ?? 0, value["seen"]?.int64, value["accepted_loss"]?.string?.text)
        }
        let lost = max(0, (seen ?? size) - size)
        return AuditEntry(
            "ledger.restore", activity: "other", outcome: lost > 0 ? "failure" : "success", reason: reason,
            actor: .system, resource: ("ledger", nil),
            details: [
                ("size", String(size)), ("seen", seen.map { String($0) } ?? "never"), ("lost", String(lost)),
                ("note", String(decoding: bytes, as: UTF8.self)),
            ])
    }
}
