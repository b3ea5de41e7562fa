import Foundation

/// Where notifications go: checked, and ready to be sent to.
package struct Destination: Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        case webhook, slack, teams, pagerduty, alertmanager, email, command
    }

    /// When a group's messages are sent, as Alertmanager has it.
    package struct Grouping: Hashable, Sendable {
        /// Nanoseconds from the first alert of an incident to its first message: what follows at once comes with it.
        package let wait: Int64
        /// Nanoseconds between messages about news of the same incident at least.
        package let interval: Int64
        /// Nanoseconds until an incident that nobody has acknowledged is told again; 0 for never.
        package let repetition: Int64
    }

    /// What a message is handed to.
    enum Target: Sendable {
        case http(HTTPTarget)
        case mail(MailTarget)
        case command(CommandTarget)
    }

    /// The name by which the outbox and metrics call it; unique.
    package let name: String
    package let kind: Kind
    /// Nil: every change of every alert is a message of its own, sent at once.
    package let grouping: Grouping?
    let route: DestinationRoute
    let target: Target
    let title: MessageTemplate
    let text: MessageTemplate

    /// Bytes of a name: it is a key in the outbox and a label of metrics.
    package static let maximumNameBytes = 128

    /// - Parameter allowsCommands: Whether the kind `command` may be used: whoever writes it runs programs as the server.
    /// - Throws: ``DeliveryError`` `invalid_destination` that says what is wrong.
    package init(_ settings: DestinationSettings, allowsCommands: Bool) throws {
        let kindName = settings.kind ?? Kind.webhook.rawValue
        guard let kind = Kind(rawValue: kindName) else {
            let kinds = Kind.allCases.map(\.rawValue).joined(separator: ", ")
            throw DeliveryError(.invalidDestination, "there is no kind of destination \(kindName); there are \(kinds)")
        }
        guard let name = settings.name ?? settings.url, (1...Self.maximumNameBytes).contains(name.utf8.count),
            name.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else {
            throw DeliveryError(
                .invalidDestination,
                "a destination has a name of 1 to \(Self.maximumNameBytes) bytes without control characters")
        }
        try Self.refuseForeign(settings, kind, name)
        self.name = name
        self.kind = kind
        route = try DestinationRoute(settings, name: name)
        grouping = try Self.grouping(settings.grouping, kind, name)
        title = try MessageTemplate(settings.title ?? MessageTemplate.defaultTitle, of: name)
        text = try MessageTemplate(settings.text ?? MessageTemplate.defaultText, of: name)
        switch kind {
        case .webhook, .slack, .teams, .pagerduty, .alertmanager:
            target = .http(try HTTPTarget(settings, kind, name: name))
        case .email: target = .mail(try MailTarget(settings, name: name))
        case .command:
            guard allowsCommands else {
                throw DeliveryError(
                    .invalidDestination, "commands are configured in the server's configuration file alone")
            }
            target = .command(try CommandTarget(settings, name: name))
        }
    }

    /// What people may see of where it leads: no secret is in it.
    package var address: String {
        switch target {
        case .http(let target): target.address
        case .mail(let target): "\(target.recipients.joined(separator: ", ")) by \(target.host):\(target.port)"
        case .command(let target): target.arguments[0]
        }
    }

    private static func refuseForeign(_ settings: DestinationSettings, _ kind: Kind, _ name: String) throws {
        let allowed: Set<String> =
            switch kind {
            case .webhook: ["url", "secret", "previous_secret"]
            case .slack, .teams: ["url", "title", "text"]
            case .pagerduty: ["url", "routing_key", "title", "text"]
            case .alertmanager: ["url", "token", "title", "text"]
            case .email:
                ["smtp", "security", "username", "password", "ca_file", "from", "to", "title", "text"]
            case .command: ["command"]
            }
        if let stranger = settings.given.subtracting(allowed).min() {
            throw DeliveryError(
                .invalidDestination,
                "the destination \(name): `\(stranger)` means nothing for the kind \(kind.rawValue)")
        }
    }

    private static func grouping(
        _ settings: DestinationSettings.Grouping?, _ kind: Kind, _ name: String
    ) throws -> Grouping? {
        let defaults: (String, String, String)? =
            switch kind {
            // Programs want every change; they group by themselves.
            case .webhook, .command: nil
            // Alertmanager takes an alert that nobody repeats for resolved.
            case .alertmanager: ("0", "0", "1h")
            case .slack, .teams, .pagerduty, .email: ("30s", "5m", "4h")
            }
        guard settings != nil || defaults != nil else { return nil }
        func time(_ text: String?, _ fallback: String, _ key: String) throws -> Int64 {
            guard let value = DurationText.nanoseconds(text ?? fallback) else {
                throw DeliveryError(
                    .invalidDestination, "the destination \(name): grouping.\(key) is written as 30s, 5m, 4h or 0")
            }
            return value
        }
        let (wait, interval, repetition) = defaults ?? ("30s", "5m", "4h")
        return Grouping(
            wait: try time(settings?.wait, wait, "wait"), interval: try time(settings?.interval, interval, "interval"),
            repetition: try time(settings?.repetition, repetition, "repeat"))
    }
}
