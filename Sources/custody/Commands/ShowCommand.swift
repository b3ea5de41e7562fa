import ArgumentParser
import EventModel
import Ledger
import NIOHTTP1

/// `custody show`.
struct ShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show one event, its payload or its proof.",
        discussion: """
            Examples:
              custody show 42                          the fields, grouped
              custody show 42 --raw > payload.json     the payload, byte for byte
              custody show 42 --proof > 42.tlog-proof  that it is in the ledger

            The fields are as they were sealed. Where the source was read again, what differs now follows them.
            """)

    @Argument(help: "The event's index in the ledger.")
    var index: UInt64
    @Flag(help: "The payload, byte for byte. On a terminal, control characters are written out.")
    var raw = false
    @Flag(help: "The proof that the event is in the ledger (C2SP tlog-proof).")
    var proof = false
    @OptionGroup var output: OutputOptions
    @OptionGroup var server: ClientOptions

    func validate() throws {
        guard [raw, proof, output.json].count(where: \.self) <= 1 else {
            throw ValidationError("--raw, --proof and --json exclude each other")
        }
    }

    func run() async throws {
        let context = CommandContext.current
        let client = try server.client(context)
        let part = raw ? "/raw" : proof ? "/proof" : ""
        let answer = try await answer("/v1/events/\(index)\(part)", client, context)
        guard answer.isSuccess else {
            let failure = client.failure(answer)
            throw answer.status == 404 ? CommandFailure(.nothingFound, failure.reason) : failure
        }
        if proof {
            // The proof is only worth what its checkpoint is: one that does not extend what was seen here is none.
            let parsed = try? TlogProof(parsing: answer.body)
            try await SeenLedgers(context)?.check(client, handedOut: parsed?.checkpoint ?? [])
        }
        if raw || proof { return try context.console.writePayload(answer.body) }
        try JSONDocument.read(answer.body) { event in
            if output.json { return try context.console.writeOutput(JSONDocument.line(event)) }
            try context.console.lines(EventSheet.lines(event, context.console))
        }
    }

    /// A proof needs a checkpoint, which follows an event within about a second: that is waited for.
    private func answer(_ path: String, _ client: ServerClient, _ context: CommandContext) async throws -> ServerAnswer
    {
        var answer = try await client.send(.get, path)
        for _ in 0..<5 where answer.isBusy {
            try await context.sleep(.seconds(min(answer.retryAfter ?? 1, 5)))
            answer = try await client.send(.get, path)
        }
        return answer
    }
}
