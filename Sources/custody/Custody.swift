import ArgumentParser
import Foundation

/// The program.
@main
struct Custody: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "custody",
        abstract: "The chain of custody for a software supply chain.",
        discussion: """
            Collects audit events, seals each in a transparency log, finds them, raises alerts, and lets an outsider \
            check all of it.

            Examples:
              custody serve                                   start a server
              custody push --source ci events.ndjson          send events
              custody search 'actor:octocat outcome:failure'  find them
              custody tail 'action:deploy.*'                  watch them come in
              custody show 42 --proof                         prove that 42 is there

            Commands talk to CUSTODY_URL (default http://127.0.0.1:8400) with the token CUSTODY_TOKEN; without one they \
            read DIR/keys/admin.token of the data directory.

            Completion: custody --generate-completion-script bash|zsh|fish

            Exit status: 0 success; 1 nothing found or not compliant; 2 integrity failure; 64 usage; 65 refused input; \
            69 server unreachable; 77 denied.
            """,
        version: version,
        subcommands: CommandList.all)

    /// Runs the command that the arguments name and ends the process with one of the statuses above.
    static func main() async {
        Foundation.exit(await run(Array(CommandLine.arguments.dropFirst())))
    }

    /// Runs a command and returns its exit status; errors have been told on standard error.
    ///
    /// Whatever a server answered counts for nothing when its ledger contradicts what was seen of it: that is looked at last.
    static func run(_ arguments: [String]) async -> Int32 {
        let context = CommandContext.current
        let status = await perform(arguments, context.console)
        let contacts = context.contacts.take()
        guard status != CommandFailure.Code.integrity.rawValue, status != CommandFailure.Code.unreachable.rawValue,
            status != CommandFailure.Code.usage.rawValue, let seen = SeenLedgers(context)
        else { return status }
        for client in contacts {
            do {
                try await seen.check(server: client)
            } catch {
                return report(error, context.console)
            }
        }
        return status
    }

    private static func perform(_ arguments: [String], _ console: Console) async -> Int32 {
        do {
            var command = try parseAsRoot(CommandList.joined(arguments))
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            return 0
        } catch is OutputClosed {
            return 0
        } catch  where isParsers(error) {
            let text = fullMessage(for: error)
            let status = exitCode(for: error)
            guard !text.isEmpty else { return status.rawValue }
            if status.isSuccess { try? console.writeOutput(Array((text + "\n").utf8)) } else { console.note(text) }
            return status.rawValue
        } catch {
            return report(error, console)
        }
    }

    private static func report(_ error: any Error, _ console: Console) -> Int32 {
        let failure = CommandFailure(error)
        if let reason = failure.reason { console.note("custody: \(reason)") }
        return failure.code.rawValue
    }

    /// Whether the argument parser made the error: help, usage, or an exit status that a command chose.
    private static func isParsers(_ error: any Error) -> Bool {
        error is ExitCode || error is CleanExit || error is ValidationError
            || String(reflecting: type(of: error)).hasPrefix("ArgumentParser.")
    }
}
