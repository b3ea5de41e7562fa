import ArgumentParser
import DurableFiles
import EventModel
import SystemPackage

/// `custody source quarantine`.
struct SourceQuarantineCommand: AsyncParsableCommand {
    /// Bytes of an entry that a table shows; `--show` and `--json` have all that was kept.
    static let shownCharacters = 200

    static let configuration = CommandConfiguration(
        commandName: "quarantine",
        abstract: "Show entries that were refused, and why, or send one again.",
        discussion: """
            Examples:
              custody source quarantine --source ci
              custody source quarantine --show 17 > entry.json    its bytes
              custody source quarantine --replay 17    take it in now, as it is
              custody source quarantine --replay 17 --file entry.json    mended
              custody source quarantine --source ci --replay-all    all, in order

            What is taken in leaves the quarantine. Exit status: 1 there is none; 65 it was refused again.
            """)

    @Option(help: ArgumentHelp("Only those of one source.", valueName: "name")) var source: String?
    @Option(help: ArgumentHelp("At most so many.", valueName: "n")) var limit = 100
    @Option(help: ArgumentHelp("Write the bytes of one entry.", valueName: "id")) var show: Int64?
    @Option(help: ArgumentHelp("Take one entry in.", valueName: "id")) var replay: Int64?
    @Flag(help: "Take all entries of one source in, the oldest first.") var replayAll = false
    @Option(help: ArgumentHelp("With --replay: what to take in instead of what was kept.", valueName: "file"))
    var file: String?
    @OptionGroup var output: OutputOptions
    @OptionGroup var server: ClientOptions

    func validate() throws {
        guard (1...1_000).contains(limit) else { throw ValidationError("--limit is between 1 and 1,000") }
        guard [show != nil, replay != nil, replayAll].count(where: { $0 }) < 2 else {
            throw ValidationError("give one of --show, --replay and --replay-all")
        }
        guard !replayAll || source != nil else { throw ValidationError("--replay-all needs --source") }
        guard file == nil || replay != nil else { throw ValidationError("--file belongs to --replay") }
    }

    func run() async throws {
        let context = CommandContext.current
        if let show { return try await write(show, context) }
        if let replay { return try await take(replay, context) }
        if replayAll, let source { return try await takeAll(source, context) }
        let query = (source.map { [("source", $0)] } ?? []) + [("limit", String(limit))]
        let answer = try await server.client(context).call(.get, "/v1/sources/quarantine", query: query)
        let columns = ResourceList([
            .init("id"), .init("time", isRigid: true), .init("source"),
            .init("size", isNumber: true, isRigid: true),
            .init("reason"), .init("text", longest: Self.shownCharacters),
        ])
        try SourceCommand.list(answer, "entries", columns, output, none: "the quarantine is empty")
    }

    private func write(_ id: Int64, _ context: CommandContext) async throws {
        let client = try server.client(context)
        let answer = try await client.send(.get, "/v1/sources/quarantine/\(id)")
        guard answer.isSuccess else { throw Self.failure(answer, client) }
        try context.console.writePayload(answer.body)
    }

    private func take(_ id: Int64, _ context: CommandContext) async throws {
        let client = try server.client(context)
        var body: [UInt8]?
        if let file {
            do {
                body = try context.fileSystem.contents(of: FilePath(file))
            } catch {
                throw CommandFailure(.refused, "\(file): \(error)")
            }
        }
        let headers = body == nil ? [] : [("Content-Type", "application/json")]
        let answer = try await client.send(
            .post, "/v1/sources/quarantine/\(id)/replay", headers: headers, body: body)
        guard answer.isSuccess else { throw Self.failure(answer, client) }
        guard let read = PushAnswer(answer.body) else { throw client.failure(answer) }
        var totals = PushTotals()
        totals.add(read)
        if output.json {
            try context.console.writeOutput(totals.json.line)
        } else {
            try context.console.line(totals.summary)
        }
        for rejection in read.rejected { context.console.note("refused again: \(rejection.reason)") }
        guard read.rejected.isEmpty else { throw CommandFailure(.refused, nil) }
    }

    /// Page by page, so that no request takes long.
    private func takeAll(_ source: String, _ context: CommandContext) async throws {
        let client = try server.client(context)
        let path = "/v1/sources/\(ServerAddress.encoded(source))/quarantine/replay"
        var counts: [String: Int64] = [:]
        var reason = ""
        var after: Int64? = 0
        while let position = after {
            let answer = try await client.call(
                .post, path, query: [("after", String(position)), ("limit", "100")])
            try JSONDocument.read(answer) { json in
                for name in ["taken", "refused", "cut", "accepted", "duplicates"] {
                    counts[name, default: 0] += json[name]?.int64 ?? 0
                }
                counts["left"] = json["left"]?.int64 ?? 0
                if reason.isEmpty { reason = json.text("reason") }
                after = json["after"]?.int64
            }
        }
        func count(_ name: String) -> Int { Int(counts[name] ?? 0) }
        if output.json {
            var object = JSONObject()
            for name in ["taken", "refused", "cut", "accepted", "duplicates", "left"] { object.add(name, count(name)) }
            object.add("reason", reason.isEmpty ? nil : reason)
            try context.console.writeOutput(object.line)
        } else {
            try context.console.line(
                "\(count("taken")) entries taken: \(count("accepted")) events, \(count("duplicates")) duplicates; "
                    + "\(count("refused")) refused again, \(count("cut")) cut, \(count("left")) left")
        }
        if !reason.isEmpty { context.console.note("refused again: \(reason)") }
        let looked = count("taken") + count("refused") + count("cut")
        guard looked > 0 else { throw CommandFailure(.nothingFound, "the quarantine has nothing of \(source)") }
        guard count("refused") + count("cut") == 0 else { throw CommandFailure(.refused, nil) }
    }

    private static func failure(_ answer: ServerAnswer, _ client: ServerClient) -> CommandFailure {
        let failure = client.failure(answer)
        return answer.status == 404 ? CommandFailure(.nothingFound, failure.reason) : failure
    }
}
