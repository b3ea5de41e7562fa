import ArgumentParser
import CustodyServer
import Foundation
import SystemPackage

struct RebuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Check every search index against its payloads and judge every event by today's rules again.",
        discussion: "Stop the server first. What people decided about alerts stays.")

    @Option(help: "The data directory.")
    var data = DataPlace.ofWorkingDirectory
    @Option(help: ArgumentHelp("The server's configuration file, for its rules.", valueName: "file"))
    var config: String?

    func run() async throws {
        let context = CommandContext.current
        var configuration = ServerConfiguration()
        configuration.dataDirectory = FilePath(data)
        guard FileManager.default.fileExists(atPath: configuration.database.string) else {
            throw CommandFailure(.refused, "\(data) is no data directory")
        }
        if let config {
            let text = String(decoding: FileManager.default.contents(atPath: config) ?? Data(), as: UTF8.self)
            do { try configuration.read(yaml: text, file: config) } catch { throw CommandFailure(.usage, "\(error)") }
        }
        let report: Rebuilding.Report
        do { report = try Rebuilding(configuration).run() } catch { throw CommandFailure(.refused, "\(error)") }
        try context.console.lines([
            "\(report.segments) segments, \(report.events) events judged again, \(report.alertsRemoved) alerts gone"
        ])
        for name in report.differing {
            context.console.note("wrong: \(name): its index is not the one that its payloads give")
        }
        for name in report.droppedOverlays {
            context.console.note(
                "dropped: \(name): damaged; its events read as they were sealed until `custody source renormalise`")
        }
        if !report.differing.isEmpty || !report.droppedOverlays.isEmpty { throw CommandFailure(.integrity, nil) }
    }
}
