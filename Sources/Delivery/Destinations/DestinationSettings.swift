/// A destination of notifications as it is written: in the configuration file, or in a request.
///
/// Only what its kind uses may be given; a misspelt key is an error. ``Destination`` checks the rest.
package struct DestinationSettings: Codable, Hashable, Sendable {
    package enum CodingKeys: String, CodingKey, CaseIterable {
        case name, kind, url, secret, token, smtp, security, username, password, from, to, command, events, rules,
            sources, tags, owners, entities, grouping, title, text
        case previousSecret = "previous_secret"
        case routingKey = "routing_key"
        case certificateAuthority = "ca_file"
        case minimumSeverity = "minimum_severity"
    }

    /// The timers of grouped notifications, as Alertmanager has them.
    package struct Grouping: Codable, Hashable, Sendable {
        enum CodingKeys: String, CodingKey, CaseIterable {
            case wait, interval
            case repetition = "repeat"
        }
        package var wait: String?
        package var interval: String?
        package var repetition: String?

        package init(wait: String? = nil, interval: String? = nil, repetition: String? = nil) {
            self.wait = wait
            self.interval = interval
            self.repetition = repetition
        }

        package init(from decoder: any Decoder) throws {
            try DestinationSettings.refuseStrangers(in: decoder, known: CodingKeys.allCases.map(\.rawValue))
            let values = try decoder.container(keyedBy: CodingKeys.self)
            wait = try values.decodeIfPresent(String.self, forKey: .wait)
            interval = try values.decodeIfPresent(String.self, forKey: .interval)
            repetition = try values.decodeIfPresent(String.self, forKey: .repetition)
        }
    }

    package var name: String?
    /// ``Destination/Kind``; `webhook` when absent.
    package var kind: String?
    package var url: String?
    /// Signs webhooks; the previous one too while a receiver changes over.
    package var secret: String?
    package var previousSecret: String?
    /// PagerDuty's integration key.
    package var routingKey: String?
    /// A bearer token for Alertmanager.
    package var token: String?
    /// `HOST:PORT` of the mail server, `tls` (from the first byte), `starttls` or `none`.
    package var smtp: String?
    package var security: String?
    package var username: String?
    package var password: String?
    /// PEM file of the authority that signed the mail server's certificate; the system's when absent.
    package var certificateAuthority: String?
    package var from: String?
    package var to: [String]?
    /// Program and arguments.
    package var command: [String]?
    package var minimumSeverity: String?
    /// Changes that are sent: opened, acknowledged, assigned, commented, closed, reopened.
    package var events: [String]?
    /// Patterns: rule ids, source names or kinds, rule tags, owners, entities. Each list that is given has to match.
    package var rules: [String]?
    package var sources: [String]?
    package var tags: [String]?
    package var owners: [String]?
    package var entities: [String]?
    /// Absent: by kind. Groups of zero length send at once.
    package var grouping: Grouping?
    /// Templates.
    package var title: String?
    package var text: String?

    package init() {}

    package init(from decoder: any Decoder) throws {
        try Self.refuseStrangers(in: decoder, known: CodingKeys.allCases.map(\.rawValue))
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func text(_ key: CodingKeys) throws -> String? { try values.decodeIfPresent(String.self, forKey: key) }
        func list(_ key: CodingKeys) throws -> [String]? { try values.decodeIfPresent([String].self, forKey: key) }
        name = try text(.name)
        kind = try text(.kind)
        url = try text(.url)
        secret = try text(.secret)
        previousSecret = try text(.previousSecret)
        routingKey = try text(.routingKey)
        token = try text(.token)
        smtp = try text(.smtp)
        security = try text(.security)
        username = try text(.username)
        password = try text(.password)
        certificateAuthority = try text(.certificateAuthority)
        from = try text(.from)
        to = try list(.to)
        command = try list(.command)
        minimumSeverity = try text(.minimumSeverity)
        events = try list(.events)
        rules = try list(.rules)
        sources = try list(.sources)
        tags = try list(.tags)
        owners = try list(.owners)
        entities = try list(.entities)
        grouping = try values.decodeIfPresent(Grouping.self, forKey: .grouping)
        title = try text(.title)
        self.text = try text(.text)
    }

    /// The keys that are given, by name.
    var given: Set<String> {
        let members: [(CodingKeys, Bool)] = [
            (.url, url != nil), (.secret, secret != nil), (.previousSecret, previousSecret != nil),
            (.routingKey, routingKey != nil), (.token, token != nil), (.smtp, smtp != nil),
            (.security, security != nil), (.username, username != nil), (.password, password != nil),
            (.certificateAuthority, certificateAuthority != nil), (.from, from != nil), (.to, to != nil),
            (.command, command != nil), (.title, title != nil), (.text, text != nil),
        ]
        return Set(members.filter(\.1).map(\.0.rawValue))
    }

    private struct AnyKey: CodingKey {
        let stringValue: String
        let intValue: Int? = nil
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private static func refuseStrangers(in decoder: any Decoder, known: [String]) throws {
        for key in try decoder.container(keyedBy: AnyKey.self).allKeys where !known.contains(key.stringValue) {
            throw DeliveryError(.invalidDestination, "`\(key.stringValue)` is no setting of a destination")
        }
    }
}
