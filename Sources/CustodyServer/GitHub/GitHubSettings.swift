import Connectors
import EventModel
import Foundation
import Identity

/// How one GitHub organization is read over its REST API, for a source.
package struct GitHubSettings: Sendable {
    /// What can be read, in the order in which it is asked for when requests are scarce.
    enum Stream: String, CaseIterable, Codable, Sendable {
        /// What GitHub sent, or tried to send, to the webhook: payloads as they were sent.
        case deliveries
        case audit
        /// The activity feed: pushes, branches, pull requests, releases, members.
        case events
        case runs, jobs, deployments

        /// The webhook events that a stream tells of, too, so that they need not be fetched one by one.
        var covered: Set<String> {
            switch self {
            case .deliveries, .audit, .events: []
            case .runs: ["workflow_run"]
            case .jobs: ["workflow_job"]
            case .deployments: ["deployment", "deployment_status"]
            }
        }
    }

    enum Credential: Sendable {
        case app(id: Int64, key: RSASigningKey)
        case token(String)
    }

    /// How far back the first reading goes, unless said otherwise: as far as the activity feed does.
    static let usualBackfillDays: Int64 = 30
    /// Workflow runs and their logs are kept for at most 400 days, the audit log for 180.
    static let backfillDays: ClosedRange<Int64> = 0...400
    static let publicAPI = "https://api.github.com"

    package let source: String
    let organization: String
    let credential: Credential
    /// Where the REST API is, without a slash at its end: `https://HOST/api/v3` of an Enterprise Server.
    let api: String
    let streams: [Stream]
    /// Whether the operator asked for the streams by name, so that one that cannot be had is a failure.
    let areStreamsChosen: Bool
    let backfillDays: Int64
    /// Names without owner, lower case; nil for all that the credential shows.
    let repositories: Set<String>?
    /// The organization's webhook, for tokens; nil finds the one that points here.
    let hook: Int64?
    /// Whether failed deliveries are asked to be sent again before their payloads are fetched.
    let redelivers: Bool

    var isApp: Bool { if case .app = credential { true } else { false } }

    /// Where people see the organization: `https://github.com`, or the Enterprise Server's host.
    var web: String { Self.web(api) }

    static func web(_ api: String) -> String {
        guard api != publicAPI else { return "https://github.com" }
        for end in ["/api/v3", "/api"] where api.hasSuffix(end) { return String(api.dropLast(end.count)) }
        // `https://api.SUBDOMAIN.ghe.com` belongs to `https://SUBDOMAIN.ghe.com`.
        return api.replacingOccurrences(of: "://api.", with: "://")
    }
}

extension GitHubSettings {
    /// As it stands in the configuration file, in a request, and, sealed, in the state database.
    struct Entry: Codable, Sendable {
        enum CodingKeys: String, CodingKey {
            case source, organization, token, api, streams, repositories, hook, redeliver
            case appID = "app_id"
            case privateKey = "private_key"
            case privateKeyFile = "private_key_file"
            case tokenFile = "token_file"
            case backfillDays = "backfill_days"
        }
        var source: String?
        var organization: String
        var appID: Int64?
        var privateKey: String?
        var privateKeyFile: String?
        var token: String?
        var tokenFile: String?
        var api: String?
        var streams: [String]?
        var repositories: [String]?
        var backfillDays: Int64?
        var hook: Int64?
        var redeliver: Bool?
    }

    /// - Parameter read: Reads a file that the entry names; nil when it may name none, as over the API.
    /// - Throws: ``ConfigurationError`` that says what is wrong or missing.
    init(
        _ entry: Entry, source: String? = nil, environment: [String: String] = [:],
        reading read: ((String) -> String?)? = nil
    ) throws {
        guard let source = source ?? entry.source else { throw ConfigurationError("github: source is missing") }
        self.source = source
        let label = "github \(source)"
        organization = entry.organization
        guard Self.isName(organization) else {
            throw ConfigurationError("\(label): organization is the name in its URL, as acme in github.com/acme")
        }
        api = try Self.address(entry.api, label)
        credential = try Self.credential(entry, label, environment, read)
        hook = entry.hook
        redelivers = entry.redeliver ?? false
        backfillDays = entry.backfillDays ?? Self.usualBackfillDays
        guard Self.backfillDays.contains(backfillDays) else {
            throw ConfigurationError("\(label): backfill_days is 0 to \(Self.backfillDays.upperBound)")
        }
        repositories = try entry.repositories.map { names in
            Set(
                try names.map { name in
                    let short = name.split(separator: "/").last.map(String.init) ?? ""
                    guard !short.isEmpty,
                        short.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) })
                    else { throw ConfigurationError("\(label): \(name) is no repository's name") }
                    return short.lowercased()
                })
        }
        areStreamsChosen = entry.streams != nil
        streams = try Self.streams(entry, label)
    }

    private static func streams(_ entry: Entry, _ label: String) throws -> [Stream] {
        guard let names = entry.streams else {
            // A token reads deliveries of a webhook of the organization, which need not exist.
            return Stream.allCases.filter { $0 != .deliveries || entry.appID != nil || entry.hook != nil }
        }
        let known = Stream.allCases.map(\.rawValue).joined(separator: ", ")
        let wanted = try names.map { name in
            guard let stream = Stream(rawValue: name) else {
                throw ConfigurationError("\(label): there is no stream \(name); there are \(known)")
            }
            return stream
        }
        guard !wanted.isEmpty else { throw ConfigurationError("\(label): streams are some of \(known)") }
        return Stream.allCases.filter(wanted.contains)
    }

    private static func credential(
        _ entry: Entry, _ label: String, _ environment: [String: String], _ read: ((String) -> String?)?
    ) throws -> Credential {
        func secret(_ text: String?, _ file: String?, _ name: String) throws -> String? {
            guard let file else { return try text.map { try PullSettings.expand($0, environment, label) } }
            guard text == nil, let read else {
                throw ConfigurationError(
                    "\(label): \(name)_file stands in the configuration file only, instead of \(name)")
            }
            guard let content = read(file) else { throw ConfigurationError("\(label): \(file) cannot be read") }
            return content.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        let token = try secret(entry.token, entry.tokenFile, "token")
        let pem = try secret(entry.privateKey, entry.privateKeyFile, "private_key")
        switch (entry.appID, pem, token) {
        case (let id?, let pem?, nil):
            guard let key = RSASigningKey(pem: pem) else {
                throw ConfigurationError("\(label): private_key is no RSA key in PEM of 2048 bits or more")
            }
            guard id > 0 else { throw ConfigurationError("\(label): app_id is the number on the App's page") }
            return .app(id: id, key: key)
        case (nil, nil, let token?):
            guard token.utf8.count >= 8, token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw ConfigurationError("\(label): token is none of GitHub's")
            }
            return .token(token)
        case (.some, nil, nil): throw ConfigurationError("\(label): app_id needs the App's private_key")
        case (nil, .some, nil): throw ConfigurationError("\(label): private_key needs the app_id")
        case (nil, nil, nil): throw ConfigurationError("\(label): it needs app_id and private_key, or a token")
        default: throw ConfigurationError("\(label): it has app_id and private_key, or a token, not both")
        }
    }

    /// An address of a REST API. Without TLS only on this machine: the credential goes there.
    static func address(_ text: String?, _ label: String) throws -> String {
        guard var text, !text.isEmpty else { return publicAPI }
        while text.hasSuffix("/") { text.removeLast() }
        guard let parts = URLComponents(string: text), let host = parts.host, parts.query == nil, parts.user == nil,
            parts.fragment == nil,
            parts.scheme == "https"
                || parts.scheme == "http" && ["127.0.0.1", "localhost", "::1", "[::1]"].contains(host)
        else {
            throw ConfigurationError("\(label): api is an https URL, as https://HOST/api/v3 of an Enterprise Server")
        }
        return text
    }

    /// GitHub's names of accounts: letters, digits and hyphens; underscores in those that an enterprise manages.
    static func isName(_ text: String) -> Bool {
        (1...100).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}
