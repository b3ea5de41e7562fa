import ArgumentParser
import CustodyServer
import EventModel

/// `custody retention`.
struct RetentionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retention",
        abstract: "How long events are kept, and their destruction.",
        subcommands: [Show.self, Set.self, Preview.self, Run.self])

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show the policies.")

        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            let context = CommandContext.current
            let answer = try await server.client(context).call(.get, "/v1/retention")
            try JSONDocument.read(answer) { json in
                let columns = ResourceList([
                    .init("class", isNumber: true), .init("days", isNumber: true), .init("state"),
                    .init("set", isRigid: true), .init("effective", isRigid: true), .init("leaf", isNumber: true),
                ])
                let any = try columns.write(json.value(at: "policies"), asJSON: output.json, to: context.console)
                guard any else { throw CommandFailure(.nothingFound, "no policies: everything is kept for ever") }
            }
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set how long a class of events is kept.",
            discussion: """
                Without --approval this writes a request for the approvers. A policy that keeps events for a shorter time \
                takes effect seven days after it is on record.

                Examples:
                  custody retention set --days 365 --request year
                  custody approver sign year --key alice.key
                  custody retention set --approval year
                """)

        @Option(name: .customLong("class"), help: ArgumentHelp("The retention class.", valueName: "number"))
        var retentionClass: UInt16 = RetentionClass.standard
        @Option(help: ArgumentHelp("After how many days events go.", valueName: "days")) var days: Int?
        @Flag(help: "Keep them for ever.") var forever = false
        @OptionGroup var approval: ApprovalOptions
        @OptionGroup var server: ClientOptions

        func validate() throws {
            guard approval.approval != nil || (days != nil) != forever else {
                throw ValidationError("give --days N or --forever")
            }
        }

        func run() async throws {
            try await approval.run("/v1/retention", .setRetention, server, "custody retention set") { request in
                request.class = retentionClass
                request.days = days
            }
        }
    }

    struct Preview: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show what `run` would destroy now.")

        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            let client = try server.client()
            try RetentionCommand.tell(try await client.call(.get, "/v1/retention/preview"), output, "would go")
        }
    }

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Destroy what policies in force say, but for what is under a hold.",
            discussion: "Each destruction is put on record before it happens. There is no way back.")

        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            let client = try server.client()
            try RetentionCommand.tell(try await client.call(.post, "/v1/retention/run"), output, "destroyed")
        }
    }

    private static func tell(_ answer: [UInt8], _ output: OutputOptions, _ verb: String) throws {
        let context = CommandContext.current
        try JSONDocument.read(answer) { json in
            if output.json { return try context.console.writeOutput(JSONDocument.line(json)) }
            let columns = ResourceList([
                .init("class", isNumber: true), .init("events", isNumber: true), .init("held", isNumber: true),
                .init("bytes", isNumber: true), .init("policy", isNumber: true), .init("days"),
            ])
            try columns.write(json.value(at: "classes"), asJSON: false, to: context.console)
            try context.console.line("\(json.text("events")) events \(verb)")
        }
    }
}
