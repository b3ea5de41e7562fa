import ArgumentParser
import Dispatch
import Foundation

/// `custody demo`.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Play a day with an attack inside, and verify what was recorded of it.",
        discussion: """
            Starts a server of its own on a throw-away directory, sends it a day of a made-up company's supply chain, and \
            shows the alerts, the search that finds the attack, and the proof that nothing of it was changed since. \
            Exit status 2: something of that failed.
            """)

    @Flag(help: "Keep the server running until Ctrl-C, and the directory.")
    var keep = false
    @Option(help: ArgumentHelp("Where the throw-away directory is made.", valueName: "dir"))
    var directory = "/tmp"
    @Option(help: "Another seed makes another quiet day.")
    var seed: UInt64 = 2025

    func run() async throws {
        let context = CommandContext.current
        let server = try await BenchServer.start(in: directory, name: "demo")
        let interrupts = Self.interrupts(stopping: server, removing: !keep)
        defer { withExtendedLifetime(interrupts) {} }
        var failures: [String]
        do {
            let day = DemoDay(seed: seed, endingAt: context.now())
            failures = try await DemoRun(server: server, day: day, console: context.console).run()
        } catch {
            failures = [CommandFailure(error).reason ?? "\(error)"]
        }
        for failure in failures { context.console.note("custody demo: failed: \(failure)") }
        if keep {
            try? context.console.lines(Self.nextSteps(server))
            server.waitUntilExit()
            context.console.note("The server has stopped; the directory \(server.directory) is kept.")
        } else {
            server.stop()
            try? context.console.lines([
                "", "The directory \(server.directory) is removed. Run `custody demo --keep` to look around in it,",
                "or `custody serve` for a server of your own.",
            ])
        }
        guard failures.isEmpty else { throw CommandFailure(.integrity, nil) }
    }

    private static func nextSteps(_ server: BenchServer) -> [String] {
        let options = "--url \(server.url) --data \(server.directory)"
        return [
            "", "The server runs until Ctrl-C. In another terminal:",
            "  custody search '\(DemoAttack.query)' \(options)",
            "  custody alert list \(options)",
            "  custody tail '*' \(options)",
        ]
    }

    /// Signals that end the program end the server as well. Kept by the caller for as long as they matter.
    private static func interrupts(stopping server: BenchServer, removing: Bool) -> [any DispatchSourceSignal] {
        [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                guard removing else { return server.terminate() }
                server.stop()
                Foundation.exit(128 + number)
            }
            source.resume()
            return source
        }
    }
}
