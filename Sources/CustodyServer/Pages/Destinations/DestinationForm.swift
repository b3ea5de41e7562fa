import Delivery
import Foundation

/// What a form asks for to add a destination of one kind, and the settings that it comes to.
///
/// What is secret is never shown again, in a form with a mistake neither: it is typed anew.
struct DestinationForm: Sendable {
    struct Input: Sendable {
        enum Kind: String, Sendable { case text, url, password, email }

        let name: String
        let label: String
        var kind = Kind.text
        var note: String?
        var placeholder: String?
        var isRequired = false
        var isSecret = false
    }

    let kind: Destination.Kind
    let title: String
    let about: String
    let inputs: [Input]
    /// Whether its messages are made of templates; other kinds get the alert as JSON.
    var hasTemplates = true

    /// The kinds that the API takes. Commands are configured in the file alone (decision 142).
    static let all: [DestinationForm] = [
        DestinationForm(
            kind: .slack, title: "Slack",
            about: "A channel, by an incoming webhook of a Slack app; Mattermost and Rocket.Chat take the same.",
            inputs: [
                Input(
                    name: "url", label: "Webhook URL", kind: .url,
                    note: "Whoever has it can write there: it is a secret.",
                    placeholder: "https://hooks.slack.com/services/…", isRequired: true, isSecret: true)
            ]),
        DestinationForm(
            kind: .teams, title: "Microsoft Teams",
            about: "A channel or chat, by a workflow that begins when a webhook request is received.",
            inputs: [
                Input(
                    name: "url", label: "URL of the workflow", kind: .url,
                    note: "Whoever has it can write there: it is a secret.",
                    placeholder: "https://….powerplatform.com/…", isRequired: true, isSecret: true)
            ]),
        DestinationForm(
            kind: .pagerduty, title: "PagerDuty", about: "Who is on call, by the Events API v2 of a service.",
            inputs: [
                Input(
                    name: "routing_key", label: "Integration key", kind: .password,
                    note: "32 characters; service → Integrations → Events API V2.", isRequired: true, isSecret: true),
                Input(
                    name: "url", label: "URL, when it is not the usual one", kind: .url,
                    note: "For accounts in the EU: https://events.eu.pagerduty.com/v2/enqueue",
                    placeholder: "https://events.pagerduty.com/v2/enqueue"),
            ]),
        DestinationForm(
            kind: .email, title: "E-mail", about: "One or more mailboxes, by a mail server of yours.",
            inputs: [
                Input(name: "to", label: "To", note: "Addresses, with commas between them.", isRequired: true),
                Input(name: "from", label: "From", kind: .email, isRequired: true),
                Input(
                    name: "smtp", label: "Mail server", note: "HOST or HOST:PORT.",
                    placeholder: "mail.example.org:587", isRequired: true),
                Input(name: "username", label: "User name", note: "Empty for a server that asks for none."),
                Input(name: "password", label: "Password", kind: .password, isSecret: true),
                Input(
                    name: "ca_file", label: "File of the authority",
                    note: "On this server, PEM; when the system does not know who signed the mail server's certificate."
                ),
            ]),
        DestinationForm(
            kind: .alertmanager, title: "Alertmanager", about: "Prometheus' Alertmanager, by its API v2.",
            inputs: [
                Input(
                    name: "url", label: "URL", kind: .url, placeholder: "https://alertmanager.example.org",
                    isRequired: true),
                Input(
                    name: "token", label: "Bearer token", kind: .password, note: "When it wants one.", isSecret: true),
            ]),
        DestinationForm(
            kind: .webhook, title: "Webhook",
            about: "A program of yours: each change of each alert at once, as JSON, signed (Standard Webhooks).",
            inputs: [
                Input(
                    name: "url", label: "URL", kind: .url, placeholder: "https://hooks.example.org/custody",
                    isRequired: true),
                Input(
                    name: "secret", label: "Secret", kind: .password,
                    note: "What signs the messages, 24 bytes or more. Leave it empty and one is made, and shown once.",
                    isSecret: true),
            ], hasTemplates: false),
    ]

    /// Which alerts are sent, the same for every kind; lists have commas between their members.
    static let filters: [Input] = [
        Input(name: "sources", label: "Sources", note: "Names or kinds.", placeholder: "github-*, prod-cluster"),
        Input(name: "tags", label: "Tags of rules", placeholder: "slsa.*"),
        Input(name: "owners", label: "Owners of rules", placeholder: "team-supply-chain"),
        Input(name: "entities", label: "About", note: "Actors or resources.", placeholder: "acme/*"),
        Input(name: "rules", label: "Rules, by their ids"),
    ]

    static let severities = ["informational", "low", "medium", "high", "critical"]
    static let securities = [
        ("starttls", "STARTTLS, usual on port 587"), ("tls", "TLS from the first byte, usual on port 465"),
        ("none", "none, only to hosts of allowed_targets"),
    ]

    static func of(_ kind: String) -> DestinationForm? { all.first { $0.kind.rawValue == kind } }

    /// The settings that a form asks for. ``Destination`` judges them.
    func settings(_ form: PageForm) -> DestinationSettings {
        func text(_ name: String) -> String? {
            let text = form[name].trimmingCharacters(in: .whitespacesAndNewlines)
            return text.isEmpty ? nil : text
        }
        func list(_ name: String) -> [String]? {
            let members = form[name].split(whereSeparator: { $0 == "," || $0.isNewline })
                .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
            return members.isEmpty ? nil : members
        }
        var settings = DestinationSettings()
        settings.name = text("name") ?? ""
        settings.kind = kind.rawValue
        settings.minimumSeverity = text("minimum_severity")
        (settings.sources, settings.tags, settings.owners) = (list("sources"), list("tags"), list("owners"))
        (settings.entities, settings.rules) = (list("entities"), list("rules"))
        let grouping = DestinationSettings.Grouping(
            wait: text("wait"), interval: text("interval"), repetition: text("repeat"))
        if grouping != DestinationSettings.Grouping() { settings.grouping = grouping }
        if hasTemplates { (settings.title, settings.text) = (text("title"), text("text")) }
        let names = Set(inputs.map(\.name))
        func given(_ name: String) -> String? { names.contains(name) ? text(name) : nil }
        (settings.url, settings.routingKey, settings.token) = (given("url"), given("routing_key"), given("token"))
        if kind == .email {
            (settings.smtp, settings.from, settings.to) = (text("smtp"), text("from"), list("to"))
            (settings.security, settings.username) = (text("security"), text("username"))
            // Blanks may belong to a password.
            settings.password = form["password"].isEmpty ? nil : form["password"]
            settings.certificateAuthority = text("ca_file")
        }
        if kind == .webhook { settings.secret = text("secret") ?? WebhookSecret.make() }
        return settings
    }
}
