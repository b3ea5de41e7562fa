import ArgumentParser
import Dispatch
import Foundation

/// `custody run`.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a build step and record it.",
        discussion: """
            Runs the command behind -- with this terminal, and sends one event: the command, its exit status and duration, who and \
            what the CI system says is running, and the SHA-256 of the files given. What is sent waits in the spool of push \
            while the server is away. The environment is the job's own word; the server takes secrets out of the words of the command.

            Examples:
              custody run --source ci --input go.sum --output dist -- make release
              custody run --no-command -- ./deploy.sh

            Exit status: that of the command (127 when there is none such, 128 and the signal's number when it was killed). With \
            --require, 69 or 77 when the command succeeded and its record could be neither sent nor spooled.
            """)

    @Option(
        help: ArgumentHelp(
            "The source that the step comes from; recognised by its shape without one.", valueName: "name"))
    var source: String?
    @Option(help: ArgumentHelp("A file or directory that the step reads; digested before.", valueName: "path"))
    var input: [String] = []
    @Option(help: ArgumentHelp("A file or directory that the step makes; digested afterwards.", valueName: "path"))
    var output: [String] = []
    @Flag(name: .customLong("no-command"), help: "Leave the words of the command out of the record.")
    var noCommand = false
    @Flag(help: "Fail when the record can be neither sent nor spooled.")
    var require = false
    @OptionGroup var server: ClientOptions
    @Argument(parsing: .postTerminator, help: ArgumentHelp("The command and its arguments.", valueName: "command"))
    var command: [String] = []

    func validate() throws {
        if command.isEmpty { throw ValidationError("the command comes behind --") }
    }

    func run() async throws {
        let context = CommandContext.current
        let client = try server.client(context, sends: true)
        let inputs = try FileDigests.of(input)
        let start = context.now()
        let clock = ContinuousClock.now
        let status = try await Self.execute(command, environment: context.environment)
        let took = (ContinuousClock.now - clock).components
        var outputs: [FileDigests.Entry] = []
        var warning: String?
        do {
            outputs = try FileDigests.of(output)
        } catch let failure as CommandFailure {
            warning = failure.reason
            context.console.note("note: \(failure.reason ?? "outputs cannot be digested")")
        }
        let record = RunRecord(
            key: context.newKey(), start: start,
            durationMilliseconds: took.seconds * 1_000 + took.attoseconds / 1_000_000_000_000_000, status: status,
            command: noCommand ? nil : command, identity: BuildIdentity(environment: context.environment),
            host: context.variable("HOSTNAME"), directory: FileManager.default.currentDirectoryPath, inputs: inputs,
            outputs: outputs, warning: warning)
        do {
            try await send(record, client, context)
        } catch {
            let failure = CommandFailure(error)
            context.console.note("note: the step is not recorded: \(failure.reason ?? "denied")")
            if require, status == 0 { throw failure }
        }
        guard status == 0 else { throw ExitCode(status) }
    }

    /// Keeps the record, then sends it and whatever waits before it.
    private func send(_ record: RunRecord, _ client: ServerClient, _ context: CommandContext) async throws {
        let spool = Spool(
            root: Spool.root(context), server: client.address.text, source: source, fileSystem: context.fileSystem)
        try spool.add(
            PushBatch(
                body: record.json, form: .document, entries: 1, read: context.now(), key: record.key, origin: nil))
        var push = PushRun(
            sender: PushSender(client: client, source: source, wantsReceipts: false, sleep: context.sleep),
            lane: InputLane(files: [], context: context), spool: spool, receipts: nil, context: context)
        try await push.run()
    }

    /// Runs a command with this process' input and output and waits for it.
    ///
    /// Signals of the terminal reach it directly, being for the whole group; this process outlives them, so that what they did is recorded.
    /// SIGTERM, which is for this process alone, is passed on.
    private static func execute(_ words: [String], environment: [String: String]) async throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["--"] + words
        process.environment = environment
        var sources: [any DispatchSourceSignal] = []
        defer { sources.forEach { $0.cancel() } }
        return try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { ended in
                let isKilled = ended.terminationReason == .uncaughtSignal
                continuation.resume(returning: isKilled ? 128 + ended.terminationStatus : ended.terminationStatus)
            }
            do {
                try process.run()
            } catch {
                continuation.resume(throwing: CommandFailure(.refused, "the command cannot be started: \(error)"))
                return
            }
            let child = process.processIdentifier
            sources = [SIGINT, SIGTERM].map { number in
                signal(number, SIG_IGN)
                let source = DispatchSource.makeSignalSource(signal: number)
                source.setEventHandler { if number == SIGTERM { _ = kill(child, number) } }
                source.activate()
                return source
            }
        }
    }
}
