package import DurableFiles
package import EventModel
package import Ledger
package import SystemPackage

/// What a backup says of itself: DIR/backup.json. docs/backup.md.
package struct BackupRecord: Sendable {
    package static let fileName = "backup.json"
    static let format = "custody-backup/1"

    package let key: VerifierKey
    /// Everything under this checkpoint is in the backup, and was verified there.
    package let checkpoint: SignedCheckpoint
    package let created: Timestamp

    package init(key: VerifierKey, checkpoint: SignedCheckpoint, created: Timestamp) {
        self.key = key
        self.checkpoint = checkpoint
        self.created = created
    }

    /// - Throws: ``ConfigurationError`` when the directory holds no finished backup.
    package init(readingFrom directory: FilePath, fileSystem: any FileSystem) throws {
        let path = directory.appending(Self.fileName)
        guard try fileSystem.exists(path) else {
            throw ConfigurationError("\(directory) holds no finished backup: there is no \(Self.fileName)")
        }
        let parser = JSONParser(limits: JSONLimits(bytes: 1 << 20, depth: 4, keys: 20))
        do {
            let (key, note, created) = try parser.withDocument(try fileSystem.contents(of: path)) { value in
                guard value["format"]?.string?.text == Self.format, let key = value["vkey"]?.string?.text,
                    let note = value["checkpoint"]?.string, let created = value["created"]?.string?.text,
                    let time = Timestamp(parsing: created)
                else { throw ConfigurationError("it is not of the format \(Self.format)") }
                return (key, Array(note), time)
            }
            self.key = try VerifierKey(parsing: key)
            checkpoint = try SignedCheckpoint(parsing: note, verifiedBy: self.key)
            self.created = created
        } catch let error as DurableFilesError {
            throw error
        } catch {
            throw ConfigurationError("\(path) cannot be used: \(error)")
        }
    }

    func write(to directory: FilePath, fileSystem: any FileSystem) throws {
        var json = JSONWriter()
        json.object { json in
            json.member("format", Self.format)
            json.member("created", created.text)
            json.member("vkey", key.description)
            json.member("checkpoint", String(decoding: checkpoint.note.bytes, as: UTF8.self))
        }
        try fileSystem.writeAtomically(json.bytes + [UInt8(ascii: "\n")], to: directory.appending(Self.fileName))
    }
}
