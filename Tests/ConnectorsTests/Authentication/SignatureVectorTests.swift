import EventModel
import Foundation
import Testing

@testable import Connectors

/// Signatures that vendors and libraries published.
@Suite(.enabled(if: Corpus.isPresent)) struct SignatureVectorTests {
    /// Schemes that a built-in connector has, and files' words for others: the language says them all.
    private static let schemes: [String: String] = [
        "bitbucket-cloud": "{header: X-Hub-Signature, prefix: \"sha256=\"}",
        "bitbucket-dc": "{header: X-Hub-Signature, prefix: \"sha256=\"}",
        "gitea": "{header: X-Gitea-Signature}",
        "forgejo": "{header: X-Forgejo-Signature}",
        "circleci": "{header: circleci-signature, prefix: \"v1=\", separator: \",\"}",
        "hcp-terraform": "{header: X-TFE-Notification-Signature, algorithm: sha512}",
        "jfrog": "{header: X-JFrog-Event-Auth}",
        "buildkite": """
        {header: X-Buildkite-Signature, prefix: "signature=", separator: ",", time: {parameter: timestamp},
         signed: "{timestamp}.{body}"}
        """,
    ]
    private static let builtIn = [
        "github": "github-webhook", "gitlab-signing-token": "gitlab-webhook", "standard-webhooks": "gitlab-webhook",
    ]

    @Test("Published signatures are judged as their publishers judge them")
    func vectors() throws {
        var judged = 0
        for vector in try Corpus.lines("hmac-vectors.jsonl") {
            guard let scheme = vector["scheme"] as? String, let secret = vector["secret"] as? String,
                let encoded = vector["body_base64"] as? String, let body = Data(base64Encoded: encoded),
                let lines = vector["headers"] as? [String: String], let isValid = vector["valid"] as? Bool
            else { continue }
            let connector: Connector
            if let name = Self.builtIn[scheme] {
                connector = try ConnectorCatalogue.builtIn.connector(named: name)
            } else if let rule = Self.schemes[scheme] {
                connector = try ConnectorFile.compile(
                    "name: x\nversion: 1\nauthenticate:\n  - hmac: \(rule)\n", file: "x.yaml")
            } else {
                continue
            }
            let headers = DeliveryHeaders(lines.map { ($0.key, $0.value) })
            let delivery = Delivery(headers: headers, body: [UInt8](body), received: Timestamp(seconds: 0))
            let verified = try? connector.authenticate(
                delivery, credential: SourceCredential(secret: secret), now: Self.signedTime(headers))
            #expect((verified == .hmac) == isValid, "\(scheme) \(vector["where"] ?? "")")
            judged += 1
        }
        #expect(judged >= 30)
    }

    /// Vectors carry their own time; the clock is set to it.
    private static func signedTime(_ headers: DeliveryHeaders) -> Timestamp {
        if let text = headers["webhook-timestamp"], let seconds = Int64(String(decoding: text, as: UTF8.self)) {
            return Timestamp(seconds: seconds)
        }
        let text = String(decoding: headers["X-Buildkite-Signature"] ?? [], as: UTF8.self)
        let digits = text.drop { $0 != "=" }.dropFirst().prefix { $0.isNumber }
        return Timestamp(seconds: Int64(digits) ?? 0)
    }
}
