import EventModel
import Foundation
import Identity

/// One place to pull from, as the configuration describes it.
package struct PullSettings: Sendable, Equatable {
    enum Place: Sendable, Equatable {
        case files(patterns: [String], fromStart: Bool)
        case bucket(BucketPull.Settings)
        case pages(PagedPull.Settings)
        case relay(RelayPull.Settings)
    }

    /// What the cursor is kept under.
    package let name: String
    /// Empty for a relay, which brings deliveries of all sources.
    package let source: String
    /// The connector of the source, where it has to be made.
    package let connector: String
    package let intervalSeconds: Int64
    let place: Place

    /// Whether the place proved to be what it says, by TLS and our credential.
    var isAuthenticated: Bool {
        switch place {
        case .files: false
        case .bucket(let settings): settings.endpoint.hasPrefix("https://")
        case .pages(let settings): settings.url.hasPrefix("https://")
        // Each delivery proves itself.
        case .relay: false
        }
    }
}

extension PullSettings {
    /// As it stands in the configuration file.
    struct Entry: Decodable {
        struct Files: Decodable {
            var paths: [String]
            var from: String?
        }
        struct Bucket: Decodable {
            enum CodingKeys: String, CodingKey {
                case endpoint, bucket, prefix, suffix, region, since
                case accessKey = "access_key"
                case secretKey = "secret_key"
                case sessionToken = "session_token"
            }
            var endpoint: String?
            var bucket: String
            var prefix: String?
            var suffix: String?
            var region: String
            var accessKey: String
            var secretKey: String
            var sessionToken: String?
            var since: String?
        }
        struct Pages: Decodable {
            enum CodingKeys: String, CodingKey {
                case url, headers, items, next, since, overlap
                case nextMember = "next_member"
                case nextParameter = "next_parameter"
                case sinceParameter = "since_parameter"
                case retentionDays = "retention_days"
            }
            var url: String
            var headers: [String: String]?
            var items: String?
            var next: String?
            var nextMember: String?
            var nextParameter: String?
            var sinceParameter: String?
            var since: String?
            var overlap: Int64?
            var retentionDays: Int64?
        }
        struct Relay: Decodable {
            var url: String
            var key: String
        }
        enum CodingKeys: String, CodingKey {
            case name, source, connector, every, files, s3, http, relay
        }
        var name: String?
        var source: String?
        var connector: String?
        var every: Int64?
        var files: Files?
        var s3: Bucket?
        var http: Pages?
        var relay: Relay?
    }

    /// The seconds between two pulls that brought everything: files and relays are looked at often, others at their makers' pace.
    private static let usualSeconds: (near: Int64, others: Int64) = (1, 60)
    /// How long an API may take to show an event, when nobody says.
    private static let usualOverlap: Int64 = 120

    /// - Parameter environment: What `${NAME}` in headers and credentials stands for.
    /// - Throws: ``ConfigurationError`` that says what is wrong.
    init(_ entry: Entry, environment: [String: String]) throws {
        guard let name = entry.name ?? entry.source else {
            throw ConfigurationError("pull: each has a source or a name")
        }
        self.name = name
        source = entry.source ?? ""
        connector = entry.connector ?? SourceStore.automatic
        let label = "pull \(name)"
        guard (entry.source == nil) == (entry.relay != nil), entry.relay == nil || entry.connector == nil else {
            throw ConfigurationError("\(label): each has a source, but a relay, which brings deliveries of all of them")
        }
        switch (entry.files, entry.s3, entry.http, entry.relay) {
        case (nil, nil, nil, let relay?):
            guard relay.url.hasPrefix("https://") || relay.url.hasPrefix("http://"),
                URLComponents(string: relay.url) != nil
            else { throw ConfigurationError("\(label): url is an http(s) URL") }
            let url = relay.url.hasSuffix("/") ? String(relay.url.dropLast()) : relay.url
            do {
                place = .relay(RelayPull.Settings(url: url, key: try RelayPublicKey(relay.key)))
            } catch let error as ConfigurationError {
                throw ConfigurationError("\(label): \(error)")
            }
        case (let files?, nil, nil, nil):
            let from = files.from ?? "start"
            guard !files.paths.isEmpty, from == "start" || from == "end" else {
                throw ConfigurationError("\(label): files have paths, and from start or end")
            }
            guard
                files.paths.allSatisfy({
                    $0.hasPrefix("/") && !($0 as NSString).deletingLastPathComponent.contains("*")
                })
            else { throw ConfigurationError("\(label): paths are absolute, with * in their last part only") }
            place = .files(patterns: files.paths, fromStart: from == "start")
        case (nil, let bucket?, nil, nil):
            let endpoint = bucket.endpoint ?? "https://s3.\(bucket.region).amazonaws.com"
            guard endpoint.hasPrefix("https://") || endpoint.hasPrefix("http://") else {
                throw ConfigurationError("\(label): endpoint is an http(s) URL")
            }
            place = .bucket(
                BucketPull.Settings(
                    endpoint: endpoint, bucket: bucket.bucket, prefix: bucket.prefix ?? "", suffix: bucket.suffix ?? "",
                    region: bucket.region, accessKey: try Self.expand(bucket.accessKey, environment, label),
                    secretKey: try Self.expand(bucket.secretKey, environment, label),
                    sessionToken: try bucket.sessionToken.map { try Self.expand($0, environment, label) },
                    since: try Self.time(bucket.since, label)))
        case (nil, nil, let pages?, nil):
            place = .pages(try Self.pages(pages, environment, label))
        default: throw ConfigurationError("\(label): it is one of files, s3, http and relay")
        }
        let usual = entry.files == nil && entry.relay == nil ? Self.usualSeconds.others : Self.usualSeconds.near
        intervalSeconds = entry.every ?? usual
        guard (1...86_400).contains(intervalSeconds) else {
            throw ConfigurationError("\(label): every is 1 to 86400 seconds")
        }
    }

    private static func pages(
        _ pages: Entry.Pages, _ environment: [String: String], _ label: String
    ) throws -> PagedPull.Settings {
        guard pages.url.hasPrefix("https://") || pages.url.hasPrefix("http://"), URLComponents(string: pages.url) != nil
        else { throw ConfigurationError("\(label): url is an http(s) URL") }
        let next: PagedPull.Next
        switch (pages.next, pages.nextMember, pages.nextParameter) {
        case ("link", nil, nil): next = .link
        case (nil, let member?, let parameter?): next = .member(path: path(member), parameter: parameter)
        case (nil, nil, nil): next = .none
        default: throw ConfigurationError("\(label): next is link, or next_member has its next_parameter")
        }
        let overlap = pages.overlap ?? usualOverlap
        guard (0...86_400).contains(overlap), pages.retentionDays.map({ (1...3_650).contains($0) }) ?? true else {
            throw ConfigurationError("\(label): overlap is 0 to 86400 seconds, retention_days 1 to 3650")
        }
        return PagedPull.Settings(
            url: pages.url,
            headers: try (pages.headers ?? [:]).sorted { $0.key < $1.key }.map {
                (name: $0.key, value: try expand($0.value, environment, label))
            },
            items: path(pages.items ?? "."), next: next, sinceParameter: pages.sinceParameter,
            since: try time(pages.since, label), overlapSeconds: overlap,
            retentionSeconds: pages.retentionDays.map { $0 * 86_400 })
    }

    /// `.` is the answer itself.
    private static func path(_ text: String) -> [String] { text.split(separator: ".").map(String.init) }

    private static func time(_ text: String?, _ label: String) throws -> Timestamp? {
        guard let text else { return nil }
        guard let time = Timestamp(parsing: text) else { throw ConfigurationError("\(label): since is a time") }
        return time
    }

    /// Replaces `${NAME}` by the variable of the environment, so that secrets need not stand in the file.
    static func expand(_ text: String, _ environment: [String: String], _ label: String) throws -> String {
        var output = ""
        var rest = Substring(text)
        while let start = rest.range(of: "${") {
            output += rest[..<start.lowerBound]
            guard let end = rest.range(of: "}", range: start.upperBound..<rest.endIndex) else {
                throw ConfigurationError("\(label): ${ is not closed")
            }
            let name = String(rest[start.upperBound..<end.lowerBound])
            guard let value = environment[name] else {
                throw ConfigurationError("\(label): the environment has no \(name)")
            }
            output += value
            rest = rest[end.upperBound...]
        }
        return output + rest
    }
}
