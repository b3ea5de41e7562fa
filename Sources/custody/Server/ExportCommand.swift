import ArgumentParser
import CustodyServer
import DurableFiles
import EventModel
import Foundation
import Ledger
import SystemPackage

struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write an evidence pack, or the whole ledger for mirrors and foreign verifiers.",
        discussion: """
            Examples:
              custody export 'actor:mallory' -o m.evidence  events and what proves them
              custody export 'actor:mallory' -o m.evidence --groups envelope,resource
              custody export --ledger mirror               the static C2SP layout
            """)

    @Argument(help: "Which events; a filter without stages.")
    var query: String?
    @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "file.evidence"))
    var output: String?
    @Option(
        help: ArgumentHelp(
            "Write the ledger (no events) of the server, or of a data directory that --data names, to this directory.",
            valueName: "dir"))
    var ledger: String?
    @Option(parsing: .unconditional, help: "Events from this time on.")
    var since: String?
    @Option(parsing: .unconditional, help: "Events before this time.")
    var until: String?
    @Option(
        help: ArgumentHelp(
            "Disclose only these groups: envelope, actor, network, resource, text, raw.", valueName: "group,…"))
    var groups: String?
    @Option(help: "Events at most.")
    var limit: Int?
    @OptionGroup var server: ClientOptions

    func validate() throws {
        guard (query != nil && output != nil) != (ledger != nil) else {
            throw ValidationError("give a query and -o FILE, or --ledger DIR")
        }
    }

    func run() async throws {
        let context = CommandContext.current
        if let ledger { return try await exportLedger(to: FilePath(ledger), context) }
        guard let query, let output else { return }
        var json: [UInt8] = Array("{\"q\":".utf8)
        JSONText.appendString(query, to: &json)
        for (name, value) in [("since", since), ("until", until)] {
            guard let value else { continue }
            json += ",\"\(name)\":".utf8
            JSONText.appendString(value, to: &json)
        }
        if let groups {
            json += ",\"groups\":[".utf8
            for (position, group) in groups.split(separator: ",").enumerated() {
                if position > 0 { json.append(UInt8(ascii: ",")) }
                JSONText.appendString(group.trimmingCharacters(in: .whitespaces), to: &json)
            }
            json.append(UInt8(ascii: "]"))
        }
        if let limit { json += ",\"limit\":\(limit)".utf8 }
        json.append(UInt8(ascii: "}"))
        let target = FilePath(output)
        let unfinished = FilePath(output + ".tmp")
        let report: EvidenceReport
        do {
            try await download(json, to: unfinished, context)
            report = try EvidenceVerifier(key: nil).verify(try context.fileSystem.open(unfinished, .read))
            try context.fileSystem.rename(unfinished, to: target)
            let directory = target.removingLastComponent()
            try context.fileSystem.synchronizeDirectory(directory.isEmpty ? "." : directory)
        } catch {
            try? context.fileSystem.remove(unfinished)
            guard let error = error as? EvidenceError else { throw error }
            throw CommandFailure(.unreachable, "the answer is no whole evidence pack: \(error)")
        }
        context.console.note(
            "\(report.events) events of \(report.origin) in \(output); check it with: custody verify \(output)")
        if report.events == 0 { throw CommandFailure(.nothingFound, nil) }
    }

    /// Writes the answer as it comes, so that a pack of any size needs no memory.
    private func download(_ request: [UInt8], to path: FilePath, _ context: CommandContext) async throws {
        if try context.fileSystem.exists(path) { try context.fileSystem.remove(path) }
        let file = try context.fileSystem.open(path, .createNew(.privateFile))
        var offset: UInt64 = 0
        try await server.client(context).download(.post, "/v1/export", body: request) { chunk in
            try file.write(chunk, at: offset)
            offset += UInt64(chunk.count)
        }
        try file.synchronizeData()
    }

    /// From the server when one is named, else from a data directory, which needs no server.
    private func exportLedger(to directory: FilePath, _ context: CommandContext) async throws {
        let namesServer = server.url != nil || (server.data == nil && context.variable("CUSTODY_URL") != nil)
        if !namesServer {
            let data = FilePath(server.data ?? DataPlace.usual)
            if let key = DataDirectoryVerifier.ownKey(of: data) {
                let reader = try LedgerReader(
                    directory: data.appending("ledger"), fileSystem: context.fileSystem, key: key)
                return try await export(reader, key, to: directory, context)
            }
            guard server.data == nil else { throw CommandFailure(.refused, "\(data) is no data directory") }
        }
        let client = try server.client(context)
        let integrity = try await client.call(.get, "/v1/integrity")
        let key = try VerifierKey(parsing: try JSONDocument.read(integrity) { $0["vkey"]?.string?.text ?? "" })
        let source = FetchedTileSource { path in try await client.call(.get, "/ledger/" + path) }
        try await export(source, key, to: directory, context)
    }

    private func export(
        _ source: any TileSource, _ key: VerifierKey, to directory: FilePath, _ context: CommandContext
    ) async throws {
        let signed = try SignedCheckpoint(parsing: try await source.checkpoint(), verifiedBy: key)
        try await StaticExport.write(source, of: signed, to: directory, fileSystem: context.fileSystem) { entries in
            if entries % 65_536 == 0 { context.console.progress("\(entries) leaves") }
        }
        context.console.endProgress()
        context.console.note("\(signed.checkpoint.size) leaves in \(directory); the key to check them with: \(key)")
    }
}
