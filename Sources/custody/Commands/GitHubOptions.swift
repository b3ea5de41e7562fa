import ArgumentParser
import Foundation

/// How a source reads a GitHub organization over its API: options of `custody source add` and `custody source connect`.
struct GitHubOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Read this organization of GitHub over its API.", valueName: "name"))
    var githubOrganization: String?
    @Option(help: ArgumentHelp("A file with a token; - reads standard input.", valueName: "file"))
    var githubTokenFile: String?
    @Option(help: ArgumentHelp("The number of a GitHub App.", valueName: "number"))
    var githubAppID: Int?
    @Option(help: ArgumentHelp("The App's private key, PEM.", valueName: "file"))
    var githubKeyFile: String?
    @Option(help: ArgumentHelp("The REST API of an Enterprise Server: https://HOST/api/v3.", valueName: "url"))
    var githubAPI: String?
    @Option(
        help: ArgumentHelp(
            "What is read: deliveries, audit, events, runs, jobs, deployments; all that apply without.",
            valueName: "list"))
    var githubStreams: String?
    @Option(help: ArgumentHelp("The repositories that are read; all without.", valueName: "list"))
    var githubRepositories: String?
    @Option(help: ArgumentHelp("How far back the first reading goes; 30 without.", valueName: "days"))
    var githubBackfillDays: Int?
    @Flag(help: "Have failed deliveries of the webhook sent again before their payloads are fetched.")
    var githubRedeliver = false

    /// Whether anything of GitHub was asked for.
    var isGiven: Bool { githubOrganization != nil }

    func validate() throws {
        let needsOrganization =
            githubTokenFile != nil || githubAppID != nil || githubKeyFile != nil || githubAPI != nil
            || githubStreams != nil
            || githubRepositories != nil || githubBackfillDays != nil || githubRedeliver
        guard isGiven || !needsOrganization else { throw ValidationError("--github-organization is missing") }
        guard isGiven else { return }
        guard (githubAppID == nil) == (githubKeyFile == nil) else {
            throw ValidationError("--github-app-id and --github-key-file go together")
        }
        guard (githubAppID == nil) != (githubTokenFile == nil) else {
            throw ValidationError("it takes --github-token-file, or --github-app-id with --github-key-file")
        }
    }

    /// The body of `PUT /v1/sources/NAME/github`.
    ///
    /// - Parameter secret: Reads a file that holds a secret.
    func body(secret: (String?) throws -> String?) throws -> [UInt8] {
        var body = JSONObject()
        body.add("organization", githubOrganization)
        body.add("token", try secret(githubTokenFile))
        body.add("app_id", githubAppID)
        body.add("private_key", try secret(githubKeyFile))
        body.add("api", githubAPI)
        if let githubStreams { body.add("streams", Self.list(githubStreams)) }
        if let githubRepositories { body.add("repositories", Self.list(githubRepositories)) }
        body.add("backfill_days", githubBackfillDays)
        if githubRedeliver { body.add("redeliver", true) }
        return body.text
    }

    private static func list(_ text: String) -> [String] {
        text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    }
}
