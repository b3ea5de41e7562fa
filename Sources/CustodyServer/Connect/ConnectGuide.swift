import Connectors
import EventModel
import Identity
import Yams

/// How one system is connected: Assets/connect-guides.yaml. Shared by the pages, and data, so that a change of a provider's
/// pages is a change of one line.
struct ConnectGuide: Decodable, Sendable {
    enum Reach: String, Decodable, Sendable { case inbound, outbound }
    enum Credential: String, Decodable, Sendable { case secret, token, none }

    struct Step: Decodable, Sendable {
        let text: String
        var link: String?
        /// What is to be typed there, exactly.
        var copy: String?
    }

    /// A delivery as the system would send it, by somebody and about something that are called custody-test.
    struct Test: Decodable, Sendable {
        let headers: [String: String]
        let body: String
    }

    /// A harmless thing to do in the system that has to raise an alert.
    struct Action: Decodable, Sendable {
        let text: String
        /// The rule's id.
        let rule: String
    }

    let id: String
    let title: String
    let about: String
    let connector: String
    let reach: Reach
    let credential: Credential
    let needs: String
    let steps: [Step]
    var test: Test?
    var action: Action?

    /// What stands for the words in braces.
    struct Values: Sendable {
        var name: String
        /// This server's address as the system reaches it.
        var server: String
        /// Nil when it is not known any more: it is shown once.
        var secret: String?
        var token: String?

        func filled(_ text: String) -> String {
            var text = text.replacing("{url}", with: "\(server)/v1/hooks/\(name)")
                .replacing("{server}", with: server).replacing("{name}", with: name)
            if let secret { text = text.replacing("{secret}", with: secret) }
            if let token { text = text.replacing("{token}", with: token) }
            return text
        }
    }

    /// All guides, in the order in which they are shown; decoded at the first use.
    static let all: [ConnectGuide] = {
        do {
            return try YAMLDecoder().decode(
                [ConnectGuide].self, from: String(decoding: PackageResources.connect_guides_yaml, as: UTF8.self))
        } catch {
            // A file of our own, decoded by every test run.
            preconditionFailure("connect-guides.yaml: \(error)")
        }
    }()

    /// Whether any connector may stand behind it.
    var isOpen: Bool { connector == SourceStore.automatic }

    /// The guide of a source's connector, of several the one that fits what the source has; else the one for anything.
    static func of(_ source: Source) -> ConnectGuide {
        let candidates = all.filter { $0.connector == source.connector && !$0.isOpen }
        let fits = candidates.first { ($0.credential == .secret) == (source.secret != nil) }
        return fits ?? candidates.first ?? all.first(where: \.isOpen) ?? all[0]
    }

    /// The test delivery for a source; nil where there is none: what the guide for anything sends, a source of one connector would
    /// misread.
    ///
    /// - Parameter id: Unique, so that it is not taken for an earlier one.
    func delivery(for source: Source, id: String, now: Timestamp) -> Delivery? {
        guard let test, source.connector == connector else { return nil }
        func filled(_ text: String) -> String {
            text.replacing("{id}", with: id).replacing("{time}", with: now.text)
        }
        return Delivery(
            headers: DeliveryHeaders(test.headers.sorted { $0.key < $1.key }.map { ($0.key, filled($0.value)) }),
            body: Array(filled(test.body).utf8), received: now)
    }
}
