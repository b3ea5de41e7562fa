import Foundation

/// An HTTP endpoint that takes notifications.
struct HTTPTarget: Sendable {
    /// Where PagerDuty takes events (Events API v2).
    private static let pagerDuty = "https://events.pagerduty.com/v2/enqueue"

    let url: URL
    /// The keys that sign, the newest first. Two while a receiver changes from one to the other. Webhooks only.
    let secrets: [WebhookSecret]
    /// PagerDuty's integration key.
    let routingKey: String?
    /// A bearer token.
    let token: String?
    /// Statuses by which the receiver says that the message is wrong and will be wrong the next time.
    let refusals: Set<Int>

    /// - Throws: ``DeliveryError`` when the URL is no plain http(s) URL, or what the kind needs is missing.
    init(_ settings: DestinationSettings, _ kind: Destination.Kind, name: String) throws {
        func invalid(_ reason: String) -> DeliveryError {
            DeliveryError(.invalidDestination, "the destination \(name) \(reason)")
        }
        guard let text = settings.url ?? (kind == .pagerduty ? Self.pagerDuty : nil) else {
            throw invalid("needs a URL")
        }
        guard let parsed = URL(string: text), let scheme = parsed.scheme?.lowercased(),
            scheme == "https" || scheme == "http", let host = parsed.host(), !host.isEmpty
        else { throw invalid("needs an http or https URL with a host") }
        guard parsed.user() == nil, parsed.password() == nil, parsed.fragment() == nil else {
            throw invalid("has a URL with credentials or a fragment, which it must not have")
        }
        url = kind == .alertmanager ? Self.alertsEndpoint(parsed) : parsed
        secrets = try [settings.secret, settings.previousSecret].compactMap(\.self).map(WebhookSecret.init)
        routingKey = settings.routingKey
        token = settings.token
        switch kind {
        case .webhook:
            guard settings.secret != nil else { throw invalid("needs a secret") }
            refusals = [410]
        case .pagerduty:
            guard let key = routingKey, key.utf8.count == 32, key.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                throw invalid("needs a routing key of 32 characters")
            }
            refusals = [400, 401, 403, 404, 410, 413]
        default: refusals = [400, 401, 403, 404, 410, 413, 422]
        }
        if let token, token.isEmpty || !token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) {
            throw invalid("has a token with blanks or other characters that no header can hold")
        }
    }

    /// The path of Slack's and Teams' URLs is their credential.
    var address: String {
        var text = "\(url.scheme ?? "https")://\(url.host() ?? "")"
        if let port = url.port { text += ":\(port)" }
        return text + "/…"
    }

    /// Whoever writes the address of an Alertmanager means its API.
    private static func alertsEndpoint(_ url: URL) -> URL {
        url.path().hasSuffix("/api/v2/alerts") ? url : url.appending(path: "api/v2/alerts")
    }
}
