import AccessControl
package import DurableFiles
import EventModel
import Intake
package import Ledger
package import SystemPackage

/// Leaves that a command left for the next start of the server to append, in `DATA/pending-leaves`: what an operator did to the
/// key or the guard while no server ran belongs into the ledger.
///
/// A file is a line `KIND ACTION` and then the payload. It is removed when its leaf is durable; a crash between the two appends
/// the statement twice, which says nothing false.
package struct PendingLeaves: Sendable {
    private let directory: FilePath
    private let fileSystem: any FileSystem

    package init(data: FilePath, fileSystem: any FileSystem) {
        directory = data.appending("pending-leaves")
        self.fileSystem = fileSystem
    }

    /// Leaves a statement for the next start; durable when it returns.
    package func add(_ kind: LeafKind, action: String, payload: [UInt8]) throws {
        try fileSystem.createDirectory(directory)
        let count = try fileSystem.list(directory).compactMap { UInt64($0) }.max() ?? 0
        try fileSystem.writeAtomically(
            Array("\(kind.rawValue) \(action)\n".utf8) + payload, to: directory.appending("\(count + 1)"),
            permissions: .privateFile)
    }

    /// The payloads that wait.
    func payloads() throws -> [[UInt8]] {
        guard try fileSystem.exists(directory) else { return [] }
        return try fileSystem.list(directory).filter { UInt64($0) != nil }.map { name in
            let bytes = try fileSystem.contents(of: directory.appending(name))
            return Array(bytes.drop { $0 != UInt8(ascii: "\n") }.dropFirst())
        }
    }

    /// Appends what waits.
    func submit(to intake: IntakePipeline, now: @Sendable () -> Timestamp) async throws {
        guard try fileSystem.exists(directory) else { return }
        for number in try fileSystem.list(directory).compactMap({ UInt64($0) }).sorted() {
            let file = directory.appending("\(number)")
            let bytes = try fileSystem.contents(of: file)
            let parts = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 1, omittingEmptySubsequences: false)
            let words = String(decoding: parts[0], as: UTF8.self).split(separator: " ")
            guard parts.count == 2, words.count == 2, let kind = UInt8(words[0]) else {
                throw ConfigurationError("\(file) is no leaf that a command left; look at it, then remove it")
            }
            let entry = AuditEntry(
                String(words[1]), activity: "update", actor: .system, resource: ("ledger", nil))
            try await OwnEvents.submit(
                LeafKind(rawValue: kind), entry, payload: Array(parts[1]), to: intake, now: now())
            try fileSystem.remove(file)
            try fileSystem.synchronizeDirectory(directory)
        }
    }
}
