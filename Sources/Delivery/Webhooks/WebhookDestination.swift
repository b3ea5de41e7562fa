package import Detection
package import Foundation

/// Where notifications go, as the operator configured it.
package struct WebhookDestination: Sendable {
    /// The name by which the outbox and metrics call it; unique.
    package let name: String
    package let url: URL
    /// The keys that sign, the newest first. Two while a receiver changes from one to the other.
    package let secrets: [WebhookSecret]
    package let minimumSeverity: Severity
    /// Which changes of alerts are sent.
    package let kinds: Set<AlertTransition.Kind>

    /// - Throws: ``DeliveryError`` when the URL is no plain http(s) URL or there is no secret.
    package init(
        name: String, url: String, secrets: [WebhookSecret], minimumSeverity: Severity = .low,
        kinds: Set<AlertTransition.Kind> = [.opened, .closed]
    ) throws {
        guard let parsed = URL(string: url), let scheme = parsed.scheme?.lowercased(),
            scheme == "https" || scheme == "http", let host = parsed.host(), !host.isEmpty
        else {
            throw DeliveryError(.invalidDestination, "the destination \(name) needs an http or https URL with a host")
        }
        guard parsed.user() == nil, parsed.password() == nil, parsed.fragment() == nil else {
            throw DeliveryError(.invalidDestination, "the URL of \(name) must hold neither credentials nor a fragment")
        }
        guard !secrets.isEmpty else {
            throw DeliveryError(.invalidDestination, "the destination \(name) needs a secret")
        }
        self.name = name
        self.url = parsed
        self.secrets = secrets
        self.minimumSeverity = minimumSeverity
        self.kinds = kinds
    }

    /// Whether a change of an alert is sent there.
    func wants(_ transition: AlertTransition) -> Bool {
        kinds.contains(transition.kind) && transition.alert.severity >= minimumSeverity
    }
}
