import AccessControl
import DurableFiles
import EventModel
import Foundation
import Ledger
import SystemPackage

/// Records that a restore left for the server's next start to append again, in DATA/lost-records: a file for each, by the leaf
/// that it had.
struct LostRecords {
    private let directory: FilePath
    private let fileSystem: any FileSystem

    init(data: FilePath, fileSystem: any FileSystem) {
        directory = data.appending("lost-records")
        self.fileSystem = fileSystem
    }

    /// Leaves records for the next start; durable when it returns.
    func write(_ records: [(leaf: UInt64, document: SystemDocument)]) throws {
        guard !records.isEmpty else { return }
        try fileSystem.createDirectory(directory)
        for (leaf, document) in records {
            try fileSystem.writeAtomically(
                try document.encoded(), to: directory.appending("\(leaf)"), permissions: .privateFile)
        }
    }

    /// Those that wait, in the order of the leaves that they had.
    func waiting() throws -> [(leaf: UInt64, document: SystemDocument)] {
        guard try fileSystem.exists(directory) else { return [] }
        return try fileSystem.list(directory).compactMap { UInt64($0) }.sorted().map { leaf in
            let file = directory.appending("\(leaf)")
            let bytes = try fileSystem.contents(of: file)
            guard let document = try? JSONDecoder().decode(SystemDocument.self, from: Data(bytes)) else {
                throw ConfigurationError("\(file) is no record that a restore left; look at it, then remove it")
            }
            return (leaf, document)
        }
    }

    func remove() throws {
        for name in try fileSystem.list(directory) { try fileSystem.remove(directory.appending(name)) }
        try fileSystem.synchronizeDirectory(directory)
    }
}

extension CustodyService {
    /// Finishes a restore, before anything is served: appends the records that were lost, and does what they say. What was
    /// redacted or destroyed after the backup was made is then gone again.
    ///
    /// A crash in between is made good by the next start: a record that was appended is not appended twice.
    /// - Throws: when a record cannot be read or appended, or what has to go cannot be destroyed: then nothing may be served.
    package func finishRestore() async throws {
        let records = LostRecords(data: state.configuration.dataDirectory, fileSystem: fileSystem)
        let waiting = try records.waiting()
        guard !waiting.isEmpty else { return }
        // What they are compared with is the whole tree.
        while try await !state.recovery.isOver(within: .seconds(60)) {}
        var refused: [String] = []
        for (leaf, document) in waiting where state.records.history.restored[leaf] == nil {
            if let objection = try objection(to: document) {
                refused.append("leaf \(leaf) (\(document.type.rawValue)): \(objection)")
                continue
            }
            let entry = AuditEntry(
                document.type.rawValue, activity: "update", actor: .system, resource: ("lost record", String(leaf)))
            try await state.records.commit([.init(document: document, entry: entry)], beginsJournalFile: true)
        }
        try await state.destruction.carryOut(isResumed: true)
        try RestoreNote.add(
            taken: waiting.count - refused.count, refused: refused, in: state.configuration.dataDirectory,
            fileSystem: fileSystem)
        try records.remove()
    }

    private func objection(to document: SystemDocument) throws -> String? {
        if let lost = document.lost, let proven = try? lost.proven(by: state.records.history.ownKeys),
            try state.ledger.root(of: lost.size) != proven.root
        {
            return "it stood in another ledger"
        }
        return state.records.objection(to: document)?.reason
    }
}
