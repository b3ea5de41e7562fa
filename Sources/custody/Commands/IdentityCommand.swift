import ArgumentParser
import EventModel
import Foundation
import NIOHTTP1

/// `custody identity`.
struct IdentityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "identity",
        abstract:
            "Which workloads may send without a secret: jobs of GitHub and GitLab, service accounts of Kubernetes.",
        subcommands: [List.self, Add.self, Remove.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List them, with what became of their tokens. Exit status 1: there is none.")

        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            let answer = try await server.client().call(.get, "/v1/identities")
            let columns = ResourceList([
                .init("name"), .init("source"), .init("issuer"), .init("use"),
                .init("keys", "keys.count", isNumber: true),
                .init("accepted", isNumber: true), .init("refused", isNumber: true),
                .init("last refusal", "last_refusal"), .init("key failure", "keys.failure"),
            ])
            try JSONDocument.read(answer) { json in
                let hasAny = try columns.write(
                    json["identities"], asJSON: output.json, to: CommandContext.current.console)
                guard hasAny else { throw CommandFailure(.nothingFound, "no workload identities") }
            }
        }
    }

    enum Use: String, ExpressibleByArgument, CaseIterable { case once, lifetime }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take the tokens of a workload.",
            discussion: """
                Its holders may send as the source, and nothing else. --github, --gitlab and --kubernetes say what their tokens \
                claim; --claim says more, or everything for other issuers: all have to hold, and in values * stands for any \
                characters. A token is good once, for one request or one exchange for a session; those of Kubernetes, which lie in \
                a file for an hour, until they expire.

                Examples:
                  custody identity add api --source ci --audience https://custody.example \\
                    --github acme/api --claim ref=refs/heads/main
                  custody identity add web --source ci --audience https://custody.example \\
                    --gitlab acme/web
                  custody identity add pods --source k8s --audience https://custody.example \\
                    --kubernetes custody/observer --jwks jwks.json \\
                    --issuer https://kubernetes.default.svc.cluster.local
                """)

        @Argument(help: "Its name here.") var name: String
        @Option(help: ArgumentHelp("The source that it sends as.", valueName: "name")) var source: String
        @Option(
            help: ArgumentHelp(
                "What tokens are made for, as the sender asks for them; repeat for several.", valueName: "text"))
        var audience: [String] = []
        @Option(help: ArgumentHelp("Jobs of a repository of GitHub: OWNER/NAME.", valueName: "repository")) var github:
            String?
        @Option(help: ArgumentHelp("Jobs of a project of GitLab: its whole path.", valueName: "project")) var gitlab:
            String?
        @Option(help: ArgumentHelp("A service account of Kubernetes: NAMESPACE/NAME.", valueName: "account"))
        var kubernetes: String?
        @Option(help: ArgumentHelp("Who makes the tokens, to the letter of their `iss`.", valueName: "url")) var issuer:
            String?
        @Option(
            help: ArgumentHelp(
                "What a claim has to say; the same name again for another value that will do.", valueName: "name=value")
        )
        var claim: [String] = []
        @Option(help: ArgumentHelp("The only kinds of events it may send; repeat for several.", valueName: "connector"))
        var kind: [String] = []
        @Option(help: "How often a token is good.") var use: Use?
        @Option(
            name: .customLong("jwks-url"),
            help: ArgumentHelp("Where the issuer's key set is, when its description does not say.", valueName: "url"))
        var keysURL: String?
        @Option(
            help: ArgumentHelp(
                "A file with the issuer's key set, for issuers that the server cannot reach.", valueName: "file"))
        var jwks: String?
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func validate() throws {
            guard [github, gitlab, kubernetes].count(where: { $0 != nil }) <= 1 else {
                throw ValidationError("one of --github, --gitlab and --kubernetes")
            }
            guard !audience.isEmpty || issuer == "mtls" else { throw ValidationError("an --audience is missing") }
            guard keysURL == nil || jwks == nil else { throw ValidationError("--jwks-url or --jwks, not both") }
            if let kubernetes, kubernetes.split(separator: "/").count != 2 {
                throw ValidationError("--kubernetes takes NAMESPACE/NAME")
            }
            for text in claim where text.firstIndex(of: "=") == nil {
                throw ValidationError("--claim takes NAME=VALUE")
            }
            guard usualIssuer != nil else {
                throw ValidationError(
                    "an --issuer is missing; of a cluster: kubectl get --raw /.well-known/openid-configuration")
            }
        }

        private var usualIssuer: String? {
            if let issuer { return issuer }
            if github != nil { return "https://token.actions.githubusercontent.com" }
            return gitlab == nil ? nil : "https://gitlab.com"
        }

        /// What each claim has to say, in the order of their names.
        private var claims: [(name: String, values: [String])] {
            var claims: [String: [String]] = [:]
            if let github { claims["repository"] = [github] }
            if let gitlab { claims["project_path"] = [gitlab] }
            if let kubernetes {
                claims["sub"] = ["system:serviceaccount:" + kubernetes.replacingOccurrences(of: "/", with: ":")]
            }
            for text in claim {
                let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                claims[parts[0], default: []].append(parts[1])
            }
            return claims.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        }

        func run() async throws {
            let context = CommandContext.current
            var wanted = JSONObject()
            wanted.add("name", name)
            wanted.add("issuer", usualIssuer)
            wanted.add("audiences", audience)
            var object = JSONObject()
            for (name, values) in claims { object.add(name, values) }
            wanted.add("claims", raw: object.text)
            wanted.add("source", source)
            if !kind.isEmpty { wanted.add("kinds", kind) }
            wanted.add("use", (use ?? (kubernetes == nil ? .once : .lifetime)).rawValue)
            wanted.add("jwks_url", keysURL)
            if let jwks {
                guard let data = FileManager.default.contents(atPath: jwks) else {
                    throw CommandFailure(.refused, "\(jwks): cannot be read")
                }
                wanted.add("jwks", String(decoding: data, as: UTF8.self))
            }
            let answer = try await server.client(context).call(.post, "/v1/identities", body: wanted.text)
            try JSONDocument.read(answer) { json in
                if output.json { return try context.console.writeOutput(JSONDocument.line(json)) }
                try context.console.line(
                    VisibleText.of(
                        "\(json.text("name")): \(json.text("issuer")) may send as \(json.text("source")), each token \(json.text("use") == "once" ? "once" : "until it expires")"
                    ))
                let failure = json.text("keys.failure")
                if !failure.isEmpty {
                    context.console.note(
                        VisibleText.of("note: its keys cannot be read yet: \(failure)"))
                }
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a workload's tokens no more; its sessions end with it.")

        @Argument(help: "Its name here.") var name: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            _ = try await server.client().call(.delete, "/v1/identities/\(ServerAddress.encoded(name))")
            let console = CommandContext.current.console
            guard output.json else { return try console.line(VisibleText.of("removed \(name)")) }
            var object = JSONObject()
            object.add("name", name)
            object.add("removed", true)
            try console.writeOutput(object.line)
        }
    }
}
