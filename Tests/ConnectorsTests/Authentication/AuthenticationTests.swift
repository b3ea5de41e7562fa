import Crypto
import EventModel
import Foundation
import Testing

@testable import Connectors

@Suite struct AuthenticationTests {
    private let now = Timestamp(seconds: 1_796_000_000)
    private let body = Array(#"{"a":1}"#.utf8)

    private func connector(_ rules: String) throws -> Connector {
        try ConnectorFile.compile("name: x\nversion: 1\nauthenticate:\n" + rules, file: "x.yaml")
    }

    private func verify(
        _ connector: Connector, _ headers: [(String, String)], secret: String? = "s3cret"
    ) throws -> Verification {
        let delivery = Delivery(headers: DeliveryHeaders(headers), body: body, received: now)
        return try connector.authenticate(delivery, credential: secret.map { SourceCredential(secret: $0) }, now: now)
    }

    private func code(_ text: [UInt8], key: String = "s3cret") -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: text, using: SymmetricKey(data: Array(key.utf8))))
    }

    private func hex(_ bytes: [UInt8]) -> String { bytes.map { String(format: "%02x", $0) }.joined() }

    private func failure(_ body: () throws -> Verification) -> ConnectorError.Code? {
        do {
            _ = try body()
            return nil
        } catch { return (error as? ConnectorError)?.code }
    }

    @Test("GitHub's signature is accepted when right and refused when wrong, missing or malformed")
    func github() throws {
        let github = try ConnectorCatalogue.builtIn.connector(named: "github-webhook")
        let good = "sha256=" + hex(code(body))
        #expect(try verify(github, [("x-hub-signature-256", good)]) == .hmac)
        let flipped = good.dropLast() + (good.hasSuffix("0") ? "1" : "0")
        #expect(failure { try verify(github, [("X-Hub-Signature-256", String(flipped))]) } == .badSignature)
        #expect(failure { try verify(github, [("X-Hub-Signature-256", "sha256=zz")]) } == .badSignature)
        #expect(failure { try verify(github, [("X-Hub-Signature-256", "")]) } == .badSignature)
        #expect(failure { try verify(github, []) } == .unsigned)
        #expect(failure { try verify(github, [("X-Hub-Signature-256", good)], secret: nil) } == .missingCredential)
        #expect(failure { try verify(github, [("X-Hub-Signature-256", good)], secret: "other") } == .badSignature)
        #expect(failure { try verify(github, [("X-Hub-Signature", "sha1=" + good)]) } == .unsigned)
    }

    @Test("Either secret is valid while one is being rotated")
    func rotation() throws {
        let github = try ConnectorCatalogue.builtIn.connector(named: "github-webhook")
        let headers = DeliveryHeaders([("X-Hub-Signature-256", "sha256=" + hex(code(body)))])
        let credential = SourceCredential(secrets: [Array("new".utf8), Array("s3cret".utf8)])
        let delivery = Delivery(headers: headers, body: body, received: now)
        #expect(try github.authenticate(delivery, credential: credential, now: now) == .hmac)
    }

    @Test(
        "A signed time too far from now is refused in both directions",
        arguments: [
            (0, nil), (299, nil), (-299, nil), (301, .staleSignature), (-301, .staleSignature),
        ] as [(Int64, ConnectorError.Code?)])
    func signedTime(_ offset: Int64, _ expected: ConnectorError.Code?) throws {
        let gitlab = try ConnectorCatalogue.builtIn.connector(named: "gitlab-webhook")
        let time = String(now.seconds + offset)
        let signature = Data(code(Array("id-1.\(time).".utf8) + body)).base64EncodedString()
        let headers = [
            ("webhook-id", "id-1"), ("webhook-timestamp", time), ("webhook-signature", "v1,zzzz v1,\(signature)"),
        ]
        #expect(failure { try verify(gitlab, headers) } == expected)
    }

    @Test("A signed time that is missing or no number is refused")
    func brokenTime() throws {
        let gitlab = try ConnectorCatalogue.builtIn.connector(named: "gitlab-webhook")
        #expect(failure { try verify(gitlab, [("webhook-id", "i"), ("webhook-signature", "v1,AAAA")]) } == .unsigned)
        let headers = [("webhook-id", "i"), ("webhook-timestamp", "soon"), ("webhook-signature", "v1,AAAA")]
        #expect(failure { try verify(gitlab, headers) } == .badSignature)
    }

    @Test("Of several prefixes of one header the one that is there counts")
    func prefixes() throws {
        let oci = try ConnectorCatalogue.builtIn.connector(named: "oci-distribution-notification")
        #expect(try verify(oci, [("Authorization", "Bearer s3cret")]) == .token)
        #expect(try verify(oci, [("Authorization", "s3cret")]) == .token)
        #expect(failure { try verify(oci, [("Authorization", "Bearer s3cre")]) } == .badSignature)
        #expect(failure { try verify(oci, [("Authorization", "s3cre")]) } == .badSignature)
        let audit = try ConnectorCatalogue.builtIn.connector(named: "github-audit-log")
        #expect(try verify(audit, [("Authorization", "Splunk s3cret")]) == .token)
        #expect(try verify(audit, [("Authorization", "Bearer s3cret")]) == .token)
        #expect(failure { try verify(audit, [("Authorization", "Digest s3cret")]) } == .badSignature)
    }

    @Test("Tokens and basic authentication are compared whole")
    func tokens() throws {
        let gitlab = try ConnectorCatalogue.builtIn.connector(named: "gitlab-webhook")
        #expect(try verify(gitlab, [("X-Gitlab-Token", "s3cret")]) == .token)
        #expect(failure { try verify(gitlab, [("X-Gitlab-Token", "s3cre")]) } == .badSignature)
        let bearer = try connector("  - token: {header: Authorization, prefix: \"Bearer \"}\n")
        #expect(try verify(bearer, [("authorization", "bearer s3cret")]) == .token)
        #expect(failure { try verify(bearer, [("authorization", "s3cret")]) } == .badSignature)
        let basic = try connector("  - basic\n")
        #expect(
            try verify(basic, [("Authorization", "Basic " + Data("me:s3cret".utf8).base64EncodedString())]) == .token)
        #expect(failure { try verify(basic, [("Authorization", "Basic me:s3cret")]) } == .badSignature)
    }

    @Test("A connector without authentication says so instead of claiming anything")
    func none() throws {
        #expect(try verify(try connector("  - none\n"), [], secret: nil) == .none)
    }

    @Test("More signatures than the limit are refused before any is computed")
    func tooManySignatures() throws {
        let gitlab = try ConnectorCatalogue.builtIn.connector(named: "gitlab-webhook")
        let many = Array(repeating: "v1,AAAA", count: SignatureScheme.maximumSignatures + 1).joined(separator: " ")
        let headers = [("webhook-id", "i"), ("webhook-timestamp", String(now.seconds)), ("webhook-signature", many)]
        #expect(failure { try verify(gitlab, headers) } == .badSignature)
    }

    @Test("GitHub's ping is answered, and a challenge is echoed escaped")
    func answers() throws {
        let github = try ConnectorCatalogue.builtIn.connector(named: "github-webhook")
        let ping = Delivery(headers: DeliveryHeaders([("X-GitHub-Event", "ping")]), body: body, received: now)
        #expect(github.answer(to: ping)?.status == 200)
        #expect(github.answer(to: ping)?.isEvent == true)
        let other = Delivery(headers: DeliveryHeaders([("X-GitHub-Event", "push")]), body: body, received: now)
        #expect(github.answer(to: other) == nil)
        let text = """
            name: x
            version: 1
            answer:
              - {method: GET, header: X-Challenge, body: '{"verification":"<header:X-Challenge>"}', event: false}
            """
        let challenger = try ConnectorFile.compile(text, file: "x.yaml")
        let challenge = Delivery(
            method: "GET", headers: DeliveryHeaders([("X-Challenge", #"a"b"#)]), body: [], received: now)
        let answer = challenger.answer(to: challenge)
        #expect(answer.map { String(decoding: $0.body, as: UTF8.self) } == #"{"verification":"a\"b"}"#)
        #expect(answer?.isEvent == false)
    }
}
