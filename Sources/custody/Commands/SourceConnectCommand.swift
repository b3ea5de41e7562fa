import ArgumentParser
import EventModel
import Foundation
import NIOHTTP1

/// `custody source connect`: reads a GitHub organization over its API.
struct SourceConnectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connect",
        abstract: "Let a source read a GitHub organization over its API.",
        discussion: """
            Examples:
              custody source connect acme --register acme
              custody source connect acme --github-organization acme \\
                --github-token-file token.txt
              custody source connect acme --end

            --register prints a link, at which GitHub makes an App whose key goes straight into the server. The source is made \
            when it is not there.
            """)

    @Argument(help: "The source's name.") var name: String
    @Option(help: ArgumentHelp("Have GitHub make an App for this organization.", valueName: "organization"))
    var register: String?
    @Option(help: ArgumentHelp("Where your browser sees Custody; this server's address without.", valueName: "url"))
    var browserURL: String?
    @Option(
        name: .customLong("hook-url"),
        help: ArgumentHelp("Where GitHub reaches Custody; nowhere without.", valueName: "url"))
    var hookURL: String?
    @Flag(help: "End the connection and forget its credential.") var end = false
    @OptionGroup var github: GitHubOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var server: ClientOptions

    func validate() throws {
        guard [register != nil, end, github.isGiven].count(where: { $0 }) == 1 else {
            throw ValidationError("it takes one of --register, --github-organization and --end")
        }
        guard register != nil || browserURL == nil && hookURL == nil else {
            throw ValidationError("--browser-url and --hook-url belong to --register")
        }
    }

    func run() async throws {
        let client = try server.client()
        let console = CommandContext.current.console
        let path = "/v1/sources/\(ServerAddress.encoded(name))/github"
        if end {
            _ = try await client.call(.delete, path)
            return console.note("the source \(name) reads GitHub no more")
        }
        guard let register else {
            let answer = try await client.call(.put, path, body: try github.body(secret: SourceCommand.secret))
            return try SourceShowCommand.write(answer, output)
        }
        var body = JSONObject()
        body.add("source", name)
        body.add("organization", register)
        body.add("url", browserURL ?? client.address.text)
        body.add("hook_url", hookURL)
        body.add("api", github.githubAPI)
        try JSONDocument.read(try await client.call(.post, "/v1/connect/github", body: body.text)) { json in
            if output.json { return try console.writeOutput(JSONDocument.line(json)) }
            try console.lines([VisibleText.of(json.text("start"))])
            console.note(
                "open it in a browser within an hour; GitHub then sends you back to \(browserURL ?? client.address.text)"
            )
        }
    }
}

/// `custody source show`.
struct SourceShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a source, how complete it is, and how far what it reads from GitHub is.")

    @Argument(help: "The source's name.") var name: String
    @OptionGroup var output: OutputOptions
    @OptionGroup var server: ClientOptions

    func run() async throws {
        try Self.write(try await server.client().call(.get, "/v1/sources/\(ServerAddress.encoded(name))"), output)
    }

    private static let streams = ResourceList([
        .init("stream", "name"), .init("state"), .init("read %", "backfilled_percent", isNumber: true),
        .init("events", isNumber: true), .init("joined", isNumber: true), .init("gaps", isNumber: true),
        .init("last", "last_page", isRigid: true), .init("note"),
    ])

    static func write(_ answer: [UInt8], _ output: OutputOptions) throws {
        let console = CommandContext.current.console
        try JSONDocument.read(answer) { json in
            if output.json { return try console.writeOutput(JSONDocument.line(json)) }
            var lines = ["source    \(json.text("name"))"]
            for (title, member) in [("connector", "connector"), ("hook", "hook"), ("reads", "pull")] {
                let text = json.text(member)
                if !text.isEmpty { lines.append(title + String(repeating: " ", count: 10 - title.count) + text) }
            }
            if let github = json["github"] {
                lines.append(
                    "github    \(github.text("organization")) (\(github.text("credential")), \(github.text("requests")) requests)"
                )
                let skew = github["clock_skew_seconds"]?.int64 ?? 0
                if abs(skew) > 30 { lines.append("clock     GitHub's is \(skew) seconds off this server's") }
            }
            if let completeness = json["completeness"] { lines += CompletenessLines.of(completeness) }
            try console.lines(lines.map { VisibleText.of($0) })
            try streams.write(json["github"]?["streams"], asJSON: false, to: console)
        }
    }
}
