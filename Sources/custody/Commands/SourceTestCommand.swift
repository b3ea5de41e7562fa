import ArgumentParser
import Connectors
import EventModel
import Foundation

/// `custody source test`: what a connector makes of files, without a server.
struct SourceTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Show what a connector makes of deliveries in files; needs no server.",
        discussion: """
            Each file is one delivery: JSON, NDJSON or text. Authentication is skipped. Without headers, the type of an \
            event is inferred from its shape.

            Examples:
              custody source test github-webhook push.json --header 'X-GitHub-Event: push'
              custody source test auto deliveries/*.json --json
              custody source test generic shop.ndjson --enrichment tables --source shop
            """)

    @Argument(help: "The connector's name; auto recognises each event by its shape.")
    var connector: String
    @Argument(help: ArgumentHelp("Files to read.", valueName: "file"))
    var files: [String]
    @Option(
        name: .customLong("header"), parsing: .singleValue,
        help: ArgumentHelp("A header of the delivery, 'Name: value'; repeat for several.", valueName: "header"))
    var headers: [String] = []
    @Option(help: ArgumentHelp("A directory of connectors beside the built-in ones.", valueName: "dir"))
    var connectors: String?
    @Option(
        help: ArgumentHelp(
            "A directory of tables that fill fields, as `enrichment` in the server's configuration; may be repeated.",
            valueName: "dir"))
    var enrichment: [String] = []
    @Option(help: ArgumentHelp("The name that the source has, for tables that are for some only.", valueName: "name"))
    var source: String = "test"
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard !files.isEmpty else { throw ValidationError("name a file") }
        for header in headers where !header.contains(":") {
            throw ValidationError("`\(header)` is no header: write 'Name: value'")
        }
    }

    func run() async throws {
        let context = CommandContext.current
        let catalogue = try catalogue()
        let chosen = try choose(in: catalogue)
        let test = ConnectorTest(
            catalogue: catalogue, connector: chosen, headers: deliveryHeaders, enrichment: try tables(),
            source: source, received: context.now())
        var writer = ConnectorTestWriter(console: context.console, asJSON: output.json)
        for file in files {
            let path = file == "-" ? "/dev/stdin" : file
            guard let data = FileManager.default.contents(atPath: path) else {
                writer.refuse("\(file): cannot be read")
                continue
            }
            try test.read([UInt8](data)) { try writer.take($0, file: file) }
        }
        try writer.finish()
    }

    private var deliveryHeaders: DeliveryHeaders {
        DeliveryHeaders(
            headers.map { header in
                let parts = header.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                return (parts[0].trimmingCharacters(in: .whitespaces), parts[1].trimmingCharacters(in: .whitespaces))
            })
    }

    private func catalogue() throws -> ConnectorCatalogue {
        guard let connectors else { return .builtIn }
        do {
            return try ConnectorCatalogue.builtIn.adding(filesIn: connectors)
        } catch {
            throw CommandFailure(.refused, String(describing: error))
        }
    }

    private func tables() throws -> Enrichment {
        guard !enrichment.isEmpty else { return .none }
        do {
            return try Enrichment(directories: enrichment)
        } catch {
            throw CommandFailure(.refused, String(describing: error))
        }
    }

    private func choose(in catalogue: ConnectorCatalogue) throws -> Connector? {
        guard connector != "auto" else { return nil }
        do {
            return try catalogue.connector(named: connector)
        } catch let error as ConnectorError {
            throw CommandFailure(.usage, error.reason)
        }
    }
}
