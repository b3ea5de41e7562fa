import Crypto
import CryptoExtras
import EventModel
import Foundation
import Testing

@testable import Connectors

/// Proofs made with keys of the sender's: signatures and JSON Web Tokens.
@Suite struct KeyedAuthenticationTests {
    private static let now = Timestamp(seconds: 1_790_000_000)
    private static let rsa: _RSA.Signing.PrivateKey? = try? _RSA.Signing.PrivateKey(keySize: .bits2048)
    private static let ec = P256.Signing.PrivateKey()
    private static let body = Array(#"{"id":"1"}"#.utf8)

    private static func connector(_ scheme: String) throws -> Connector {
        try ConnectorFile.compile("name: x\nversion: 1\nauthenticate:\n  - \(scheme)\n", file: "x.yaml")
    }

    private static func verify(
        _ connector: Connector, _ headers: [(String, String)], body: [UInt8] = body, secret: String,
        now: Timestamp = now
    ) throws -> Verification {
        try connector.authenticate(
            Delivery(headers: DeliveryHeaders(headers), body: body, received: now),
            credential: SourceCredential(secret: secret), now: now)
    }

    private static func code(_ body: () throws -> Verification) -> ConnectorError.Code? {
        do {
            _ = try body()
            return nil
        } catch {
            return (error as? ConnectorError)?.code
        }
    }

    @Test("An RSA signature over the decoded form field is accepted with the public key in any of its spellings")
    func formFieldSignature() throws {
        let key = try #require(Self.rsa)
        let signature = try key.signature(
            for: Insecure.SHA1.hash(data: Self.body), padding: .insecurePKCS1v1_5
        ).rawRepresentation
        let connector = try Self.connector("signature: {header: Signature, algorithm: rsa-sha1, signed: payload}")
        let form = Array("payload=%7B%22id%22%3A%221%22%7D&x=1".utf8)
        let headers = [("signature", signature.base64EncodedString())]
        let pem = key.publicKey.pemRepresentation
        let primitives = try key.publicKey.getKeyPrimitives()
        let jwk = """
            {"kty":"RSA","n":"\(primitives.modulus.base64EncodedString())","e":"\(primitives.publicExponent.base64EncodedString())"}
            """
        for secret in [pem, pem.replacing("\n", with: " "), key.publicKey.derRepresentation.base64EncodedString(), jwk]
        {
            #expect(try Self.verify(connector, headers, body: form, secret: secret) == .signature)
            #expect(try Self.verify(connector, headers, secret: secret) == .signature)
        }
        let altered = Array("payload=%7B%22id%22%3A%222%22%7D".utf8)
        #expect(Self.code { try Self.verify(connector, headers, body: altered, secret: pem) } == .badSignature)
        #expect(Self.code { try Self.verify(connector, [("signature", "!")], secret: pem) } == .badSignature)
        #expect(Self.code { try Self.verify(connector, headers, secret: "no key at all") } == .missingCredential)
        #expect(Self.code { try Self.verify(connector, [], secret: pem) } == .unsigned)
    }

    @Test("The signature that Travis' documentation prints is valid", .enabled(if: Corpus.isPresent))
    func publishedVector() throws {
        let travis = try ConnectorCatalogue.builtIn.connector(named: "travis-webhook")
        var judged = 0
        for vector in try Corpus.lines("hmac-vectors.jsonl") where vector["scheme"] as? String == "travis-rsa-sha1" {
            let key = try #require(vector["secret"] as? String)
            let body = try #require((vector["body_base64"] as? String).flatMap { Data(base64Encoded: $0) })
            let headers = try #require(vector["headers"] as? [String: String])
            let isValid = try #require(vector["valid"] as? Bool)
            let verified = try? Self.verify(
                travis, headers.map { ($0.key, $0.value) }, body: [UInt8](body), secret: key)
            #expect((verified == .signature) == isValid)
            judged += 1
        }
        #expect(judged > 0)
    }

    @Test("A signature of an elliptic curve is accepted, and one of another key is not")
    func ellipticCurve() throws {
        let connector = try Self.connector("signature: {header: S, algorithm: ecdsa-sha256}")
        let signature = try Self.ec.signature(for: Self.body)
        let pem = Self.ec.publicKey.pemRepresentation
        for form in [signature.rawRepresentation, signature.derRepresentation] {
            let headers = [("S", form.base64EncodedString())]
            #expect(try Self.verify(connector, headers, secret: pem) == .signature)
            let other = P256.Signing.PrivateKey().publicKey.pemRepresentation
            #expect(Self.code { try Self.verify(connector, headers, secret: other) } == .badSignature)
        }
    }

    @Test("A public key, shown as a token or a password or used as the key of an HMAC, proves nothing")
    func publicKeysAreNoSecrets() throws {
        let pem = Self.ec.publicKey.pemRepresentation.replacing("\n", with: "")
        for secret in [pem, Self.keySet(), #"{"jwks_uri":"https://keys.example/jwks","audience":"a","issuer":"b"}"#] {
            let token = try Self.connector(#"token: {header: Authorization, prefix: "Bearer "}"#)
            #expect(
                Self.code { try Self.verify(token, [("authorization", "Bearer " + secret)], secret: secret) }
                    == .badSignature)
            let basic = try Self.connector("basic")
            let pair = Data("x:\(secret)".utf8).base64EncodedString()
            #expect(
                Self.code { try Self.verify(basic, [("authorization", "Basic " + pair)], secret: secret) }
                    == .badSignature)
            let hmac = try Self.connector("hmac: {header: S, algorithm: sha256, encoding: hex}")
            let code = HMAC<SHA256>.authenticationCode(for: Self.body, using: SymmetricKey(data: Data(secret.utf8)))
            let hex = code.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
            #expect(Self.code { try Self.verify(hmac, [("s", hex)], secret: secret) } == .badSignature)
        }
    }

    @Test("A client certificate counts by the names that the file has, with or without a secret of the source")
    func certificates() throws {
        let connector = try Self.connector(
            "mtls: {subject: ['O=Acme,CN=agent'], san: ['dns:a.example', 'dns:b.example']}")
        func verify(_ subject: String, _ names: [String], secret: String? = nil) -> Verification? {
            var delivery = Delivery(headers: DeliveryHeaders(), body: Self.body, received: Self.now)
            delivery.certificate = DeliveryCertificate(subject: subject, names: names)
            return try? connector.authenticate(
                delivery, credential: secret.map { SourceCredential(secret: $0) }, now: Self.now)
        }
        #expect(verify("O=Acme,CN=agent", ["dns:b.example", "dns:c.example"]) == .mtls)
        #expect(verify("O=Acme,CN=agent", ["dns:b.example"], secret: "s3cr3t-s3cr3t") == .mtls)
        #expect(verify("CN=agent,O=Acme", ["dns:b.example"]) == nil)
        #expect(verify("O=Acme,CN=agent", ["dns:c.example"], secret: "s3cr3t-s3cr3t") == nil)
        #expect(verify("O=Acme,CN=agent", []) == nil)
        #expect(Self.code { try Self.verify(connector, [], secret: "s3cr3t-s3cr3t") } == .unsigned)
        #expect(throws: ConnectorError.self) { try Self.connector("mtls: {}") }
    }

    // MARK: Tokens

    private static func encoded(_ bytes: some DataProtocol) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private static func token(
        _ claims: String, head: String = #"{"alg":"ES256","kid":"k1"}"#, key: P256.Signing.PrivateKey = ec
    ) throws -> String {
        let message = encoded(Data(head.utf8)) + "." + encoded(Data(claims.utf8))
        return message + "." + encoded(try key.signature(for: Data(message.utf8)).rawRepresentation)
    }

    private static func keySet(_ more: String = "") -> String {
        let raw = ec.publicKey.rawRepresentation
        let key =
            #"{"kty":"EC","crv":"P-256","kid":"k1","x":"\#(encoded(raw.prefix(32)))","y":"\#(encoded(raw.suffix(32)))"}"#
        return #"{"keys":[\#(key)]\#(more)}"#
    }

    private static let scheme = """
        jwt: {header: Authorization, prefix: "Bearer ", issuer: [https://issuer.example], audience: https://me.example}
        """
    private static let good = """
        {"iss":"https://issuer.example","aud":["https://me.example","other"],"exp":1790000100,"email":"push@example.com"}
        """

    @Test("A token of the right issuer, audience and time is accepted")
    func goodToken() throws {
        let connector = try Self.connector(Self.scheme)
        let header = [("Authorization", "Bearer " + (try Self.token(Self.good)))]
        #expect(try Self.verify(connector, header, secret: Self.keySet()) == .jwt)
        let claims = #","claims":{"email":["a@example.com","push@example.com"]}"#
        #expect(try Self.verify(connector, header, secret: Self.keySet(claims)) == .jwt)
    }

    @Test("An RS256 token is accepted")
    func rsaToken() throws {
        let key = try #require(Self.rsa)
        let message = Self.encoded(Data(#"{"alg":"RS256"}"#.utf8)) + "." + Self.encoded(Data(Self.good.utf8))
        let signature = try key.signature(
            for: SHA256.hash(data: Data(message.utf8)), padding: .insecurePKCS1v1_5
        ).rawRepresentation
        let header = [("Authorization", "Bearer " + message + "." + Self.encoded(signature))]
        let connector = try Self.connector(Self.scheme)
        #expect(try Self.verify(connector, header, secret: key.publicKey.pemRepresentation) == .jwt)
    }

    @Test(
        "A token that says something else is refused",
        arguments: [
            (
                #"{"iss":"https://evil.example","aud":"https://me.example","exp":1790000100}"#,
                ConnectorError.Code.badSignature
            ),
            (#"{"iss":"https://issuer.example","aud":"https://you.example","exp":1790000100}"#, .badSignature),
            (#"{"iss":"https://issuer.example","exp":1790000100}"#, .badSignature),
            (#"{"iss":"https://issuer.example","aud":"https://me.example"}"#, .badSignature),
            (#"{"iss":"https://issuer.example","aud":"https://me.example","exp":1789999900}"#, .staleSignature),
            (
                #"{"iss":"https://issuer.example","aud":"https://me.example","exp":1790000100,"nbf":1790000090}"#,
                .staleSignature
            ),
            (#"[1]"#, .badSignature),
            ("no json", .badSignature),
        ])
    func refusedClaims(_ claims: String, _ code: ConnectorError.Code) throws {
        let connector = try Self.connector(Self.scheme)
        let header = [("Authorization", "Bearer " + (try Self.token(claims)))]
        #expect(Self.code { try Self.verify(connector, header, secret: Self.keySet()) } == code)
    }

    @Test("A token that is unsigned, signed by another or with the wrong kind of algorithm is refused")
    func forgedTokens() throws {
        let connector = try Self.connector(Self.scheme)
        func refusal(_ token: String, secret: String? = nil) -> ConnectorError.Code? {
            Self.code {
                try Self.verify(connector, [("Authorization", "Bearer " + token)], secret: secret ?? Self.keySet())
            }
        }
        let good = try Self.token(Self.good)
        #expect(refusal(good) == nil)
        let parts = good.split(separator: ".").map(String.init)
        let other = Self.encoded(Data(Self.good.replacing("push@", with: "root@").utf8))
        #expect(refusal([parts[0], other, parts[2]].joined(separator: ".")) == .badSignature)
        #expect(refusal(try Self.token(Self.good, key: P256.Signing.PrivateKey())) == .badSignature)
        #expect(refusal(try Self.token(Self.good, head: #"{"alg":"ES256","kid":"k2"}"#)) == .badSignature)
        for head in [#"{"alg":"none"}"#, #"{"alg":"HS256"}"#, "{}", "[]"] {
            #expect(refusal(try Self.token(Self.good, head: head)) == .badSignature)
        }
        let none = Self.encoded(Data(#"{"alg":"none"}"#.utf8)) + "." + parts[1] + "."
        #expect(refusal(none) == .badSignature)
        // A public key is no HMAC secret.
        let message = Self.encoded(Data(#"{"alg":"HS256"}"#.utf8)) + "." + parts[1]
        let pem = Self.ec.publicKey.pemRepresentation
        let code = HMAC<SHA256>.authenticationCode(
            for: Data(message.utf8), using: SymmetricKey(data: Data(pem.utf8)))
        #expect(refusal(message + "." + Self.encoded(Data(code)), secret: pem) == .badSignature)
        #expect(refusal(String(repeating: "a", count: 20_000) + "..") == .badSignature)
        #expect(refusal(good, secret: "a plain secret") == .missingCredential)
    }

    @Test("Without an issuer and an audience that somebody demanded no token is good")
    func unboundToken() throws {
        let connector = try Self.connector("jwt: {header: Authorization, prefix: \"Bearer \"}")
        let header = [("Authorization", "Bearer " + (try Self.token(Self.good)))]
        #expect(Self.code { try Self.verify(connector, header, secret: Self.keySet()) } == .missingCredential)
        let bound = Self.keySet(#","issuer":"https://issuer.example","audience":"https://me.example""#)
        #expect(try Self.verify(connector, header, secret: bound) == .jwt)
        let another = Self.keySet(
            #","issuer":"https://issuer.example","audience":"https://me.example","claims":{"email":"x@example.com"}"#)
        #expect(Self.code { try Self.verify(connector, header, secret: another) } == .badSignature)
    }

    @Test("A plain token in the same header stays a token")
    func plainToken() throws {
        let connector = try ConnectorCatalogue.builtIn.connector(named: "gcp-audit-log")
        let header = [("Authorization", "Bearer secret-token")]
        #expect(try Self.verify(connector, header, secret: "secret-token") == .token)
        #expect(Self.code { try Self.verify(connector, header, secret: "other-token") } == .badSignature)
    }

    // MARK: HMACs that cover no body

    @Test(
        "Gitee's header holds the password, or a signature over the time and the key: neither proves more than a token")
    func gitee() throws {
        let connector = try ConnectorCatalogue.builtIn.connector(named: "gitee-webhook")
        let time = "1789999990000"
        let code = HMAC<SHA256>.authenticationCode(
            for: Data((time + "\nSECkey12345").utf8), using: SymmetricKey(data: Data("SECkey12345".utf8)))
        let signed = [("X-Gitee-Token", Data(code).base64EncodedString()), ("X-Gitee-Timestamp", time)]
        #expect(try Self.verify(connector, signed, secret: "SECkey12345") == .token)
        let later = Timestamp(seconds: Self.now.seconds + 3_700)
        #expect(Self.code { try Self.verify(connector, signed, secret: "SECkey12345", now: later) } != nil)
        let plain = [("X-Gitee-Token", "SECkey12345"), ("X-Gitee-Timestamp", time)]
        #expect(try Self.verify(connector, plain, secret: "SECkey12345") == .token)
        #expect(Self.code { try Self.verify(connector, plain, secret: "another-key") } == .badSignature)
    }

    // MARK: Handshakes

    private static func answer(
        _ connector: String, _ body: String, _ headers: [(String, String)] = [], secret: String? = nil
    ) throws -> String? {
        let delivery = Delivery(headers: DeliveryHeaders(headers), body: Array(body.utf8), received: now)
        let answer = try ConnectorCatalogue.builtIn.connector(named: connector)
            .answer(to: delivery, credential: secret.map { SourceCredential(secret: $0) })
        guard let answer else { return nil }
        #expect(!answer.isEvent)
        return String(decoding: answer.body, as: UTF8.self)
    }

    @Test("Event Grid, Slack and Zoom are told that the URL is meant")
    func handshakes() throws {
        let grid =
            #"[{"eventType":"Microsoft.EventGrid.SubscriptionValidationEvent","data":{"validationCode":"a\"b"}}]"#
        let header = [("aeg-event-type", "SubscriptionValidation")]
        for connector in ["azure-activity-log", "azure-container-registry-webhook", "generic"] {
            #expect(try Self.answer(connector, grid, header) == #"{"validationResponse":"a\"b"}"#)
        }
        #expect(try Self.answer("generic", grid) == nil)
        let slack = #"{"type":"url_verification","challenge":"c-1"}"#
        #expect(try Self.answer("slack-audit-log", slack) == #"{"challenge":"c-1"}"#)
        #expect(try Self.answer("slack-audit-log", #"{"type":"event_callback","challenge":"c-1"}"#) == nil)
        let zoom = #"{"event":"endpoint.url_validation","payload":{"plainToken":"token"}}"#
        let code = HMAC<SHA256>.authenticationCode(
            for: Data("token".utf8), using: SymmetricKey(data: Data("zoom-secret".utf8)))
        let hex = code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(
            try Self.answer("generic", zoom, secret: "zoom-secret")
                == #"{"plainToken":"token","encryptedToken":"\#(hex)"}"#)
        // Without the secret nothing is signed.
        #expect(try Self.answer("generic", zoom) == #"{"plainToken":"token","encryptedToken":""}"#)
    }
}
