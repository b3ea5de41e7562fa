import ArgumentParser
import Foundation

/// `custody push`.
struct PushCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push",
        abstract: "Send events: NDJSON, any other JSON, or lines of text.",
        discussion: """
            Events are sent in batches of up to 1,000. While the server is away, batches are kept in a spool on disk \
            ($CUSTODY_SPOOL, else $XDG_STATE_HOME/custody/spool), and the next push to the same server and source sends \
            them first; nothing is doubled. Entries that the server refuses are listed, the others are kept.

            Examples:
              custody push --source ci events.ndjson
              tail -F audit.log | custody push --source cluster
              custody push --receipts receipts.ndjson day-1.ndjson day-2.ndjson
              custody push    send what waits in the spool (at a terminal)
              custody push kubernetes    watch a cluster; see: custody help push-kubernetes

            Exit status: 0 everything was accepted or spooled; 65 entries were refused; 69 something could be neither \
            sent nor spooled; 77 the token may not send this.
            """)

    @Option(
        help: ArgumentHelp(
            "The source that the events come from; recognised by their shape without one.", valueName: "name"))
    var source: String?
    @Option(help: ArgumentHelp("Append a line for each acknowledged batch to this file.", valueName: "file"))
    var receipts: String?
    @Flag(name: .customLong("no-spool"), help: "Fail when the server is away, instead of keeping events on disk.")
    var noSpool = false
    @Flag(help: "Print the totals as JSON.")
    var json = false
    @Argument(help: ArgumentHelp("Files to send; - or nothing is standard input.", valueName: "file"))
    var files: [String] = []
    @OptionGroup var server: ClientOptions

    func run() async throws {
        let context = CommandContext.current
        let client = try server.client(context, sends: true)
        // Nobody types events: without a file at a terminal there is only the spool to send.
        let inputs = files.isEmpty ? (isatty(context.standardInput) == 1 ? [] : ["-"]) : files
        for file in inputs where file != "-" && access(file, R_OK) != 0 {
            throw CommandFailure(.refused, "\(file): \(String(cString: strerror(errno)))")
        }
        let lane = InputLane(files: inputs, context: context)
        // What was read from a pipe is still sent or spooled.
        let signals = EndSignals { lane.interrupt() }
        defer { withExtendedLifetime(signals) {} }
        var run = PushRun(
            sender: PushSender(
                client: client, source: source, wantsReceipts: receipts != nil, sleep: context.sleep), lane: lane,
            spool: noSpool
                ? nil
                : Spool(
                    root: Spool.root(context), server: client.address.text, source: source,
                    fileSystem: context.fileSystem),
            receipts: try receipts.map {
                try ReceiptFile(path: $0, server: client.address.text, source: source, context: context)
            }, context: context)
        let result: Result<Void, any Error>
        do { result = .success(try await run.run()) } catch { result = .failure(error) }
        let console = context.console
        if json { try console.writeOutput(run.totals.json.line) } else { try console.line(run.totals.summary) }
        if run.totals.spooled > 0, let spool = run.spool {
            console.note("note: the next push to this server and source sends what waits in \(spool.directory)")
        }
        try result.get()
        guard run.totals.rejected == 0 else { throw CommandFailure(.refused, nil) }
    }
}
