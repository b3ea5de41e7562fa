import Crypto
import CryptoExtras
import EventModel
import Foundation
import Testing

@testable import Connectors

/// Tokens of workloads, taken apart and verified.
@Suite("Tokens of workloads")
struct WorkloadTokenTests {
    private static let now = Timestamp(seconds: 1_790_000_000)
    private static let ec = P256.Signing.PrivateKey()
    private static let edwards = Curve25519.Signing.PrivateKey()
    private static let rsa: _RSA.Signing.PrivateKey? = try? _RSA.Signing.PrivateKey(keySize: .bits2048)

    private static func encoded(_ bytes: some DataProtocol) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private static func token(
        _ claims: String, head: String = #"{"alg":"ES256","kid":"k1","typ":"JWT"}"#,
        sign: (Data) throws -> Data = { try ec.signature(for: $0).rawRepresentation }
    ) throws -> String {
        let message = encoded(Data(head.utf8)) + "." + encoded(Data(claims.utf8))
        return message + "." + encoded(try sign(Data(message.utf8)))
    }

    private static func jwk(_ key: P256.Signing.PrivateKey = ec, id: String = "k1", more: String = "") -> String {
        let raw = key.publicKey.rawRepresentation
        let x = encoded(raw.prefix(32))
        let y = encoded(raw.suffix(32))
        return #"{"kty":"EC","crv":"P-256","kid":"\#(id)","x":"\#(x)","y":"\#(y)"\#(more)}"#
    }

    private static func keys(_ jwks: String...) throws -> VerifyingKeys {
        try #require(VerifyingKeys(Array(#"{"keys":[\#(jwks.joined(separator: ","))]}"#.utf8)))
    }

    private static let claims = """
        {"iss":"https://issuer.example","sub":"s","aud":["a","b"],"jti":"t-1","exp":1790000300,"nbf":1789999990,"iat":1790000000}
        """

    private static func reason(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return (error as? ConnectorError)?.reason ?? "\(error)"
        }
    }

    @Test("Claims are read by name, those inside objects by the names on the way")
    func claims() throws {
        let token = try WorkloadToken(
            Self.token(
                #"{"iss":"i","exp":1790000300,"kubernetes.io":{"namespace":"prod","serviceaccount":{"name":"web"}},"list":[1,"x",true]}"#
            ))
        #expect(token.claims["kubernetes.io/serviceaccount/name"] == ["web"])
        #expect(token.claims["kubernetes.io/namespace"] == ["prod"])
        #expect(token.claims["list"] == ["1", "x", "true"])
        #expect(token.id == nil && token.audiences.isEmpty && token.keyID == "k1")
    }

    @Test("RS256, ES256 and EdDSA are verified, each with a key of its own kind alone")
    func algorithms() throws {
        let rsa = try #require(Self.rsa)
        let numbers = try rsa.publicKey.getKeyPrimitives()
        let set = try Self.keys(
            #"{"kty":"RSA","n":"\#(Self.encoded(numbers.modulus))","e":"\#(Self.encoded(numbers.publicExponent))"}"#,
            Self.jwk(),
            #"{"kty":"OKP","crv":"Ed25519","x":"\#(Self.encoded(Self.edwards.publicKey.rawRepresentation))"}"#)
        let made = [
            try Self.token(Self.claims, head: #"{"alg":"RS256"}"#) {
                try rsa.signature(for: SHA256.hash(data: $0), padding: .insecurePKCS1v1_5).rawRepresentation
            },
            try Self.token(Self.claims),
            try Self.token(Self.claims, head: #"{"alg":"EdDSA"}"#) { try Self.edwards.signature(for: $0) },
        ]
        for text in made { #expect(try WorkloadToken(text).isSigned(by: set)) }
        let crossed = try Self.token(Self.claims, head: #"{"alg":"EdDSA"}"#) {
            try Self.ec.signature(for: $0).rawRepresentation
        }
        #expect(try !WorkloadToken(crossed).isSigned(by: set))
    }

    @Test(
        "No algorithm, an HMAC with the public key, and heads that ask for more are refused",
        arguments: [
            #"{"alg":"none"}"#, #"{"alg":"None"}"#, #"{"alg":"HS256","kid":"k1"}"#, #"{"alg":"RS512"}"#,
            #"{"kid":"k1"}"#,
            #"{"alg":["ES256"]}"#, #"{"alg":"ES256","crit":["exp"],"exp":1}"#, #"{"alg":"ES256","b64":false}"#,
            #"{"alg":"ES256","typ":"at+jwt"}"#, #"{"alg":"none","alg":"ES256"}"#, #"["ES256"]"#, "{", "",
        ])
    func heads(head: String) throws {
        let pem = Data(Self.ec.publicKey.pemRepresentation.utf8)
        let text = try Self.token(Self.claims, head: head) {
            Data(HMAC<SHA256>.authenticationCode(for: $0, using: SymmetricKey(data: pem)))
        }
        #expect(throws: ConnectorError.self) { try WorkloadToken(text) }
    }

    @Test(
        "Claims that two readers could read in two ways, and tokens without issuer or end, are refused",
        arguments: [
            #"{"iss":"i","exp":1790000300,"sub":"a","sub":"b"}"#, #"{"iss":"i"}"#, #"{"exp":1790000300}"#,
            #"{"iss":["a","b"],"exp":1790000300}"#, #"{"iss":"i","exp":"1790000300"}"#, #"{"iss":"i","exp":1e300}"#,
            "[]",
            "null", "{",
        ])
    func badClaims(claims: String) throws {
        let text = try Self.token(claims)
        #expect(throws: ConnectorError.self) { try WorkloadToken(text) }
    }

    @Test("A token that is too long, cut or of another form is none")
    func malformed() throws {
        let good = try Self.token(Self.claims)
        #expect(
            WorkloadToken.isLikely(good) && !WorkloadToken.isLikely("custody_x_y") && !WorkloadToken.isLikely("eyJ.a"))
        for text in [String(good.dropLast(90)) + ".", good + ".x", "eyJ..", String(repeating: "a", count: 20_000)] {
            #expect(throws: ConnectorError.self) { try WorkloadToken(text) }
        }
        let set = try Self.keys(Self.jwk())
        #expect(try !WorkloadToken(String(good.dropLast(4)) + "AAAA").isSigned(by: set))
    }

    @Test("A signature counts by the key that the token names; of several keys of one name, each counts")
    func keyIDs() throws {
        let token = try WorkloadToken(Self.token(Self.claims))
        let other = P256.Signing.PrivateKey()
        #expect(try !token.isSigned(by: Self.keys(Self.jwk(id: "k2"))))
        #expect(try !token.isSigned(by: Self.keys(Self.jwk(other))))
        #expect(try token.isSigned(by: Self.keys(Self.jwk(other), Self.jwk())))
        #expect(try token.isSigned(by: Self.keys(Self.jwk(more: #","use":"sig","alg":"ES256""#))))
        #expect(try !token.isSigned(by: Self.keys(Self.jwk(more: #","alg":"ES384""#))))
        #expect(VerifyingKeys(Array(#"{"keys":[\#(Self.jwk(more: #","use":"enc""#))]}"#.utf8)) == nil)
        #expect(try Self.keys(Self.jwk()).hasKey("k1"))
    }

    @Test("A token counts from its beginning to its end, with a minute's leeway, and no longer than a day ahead")
    func times() throws {
        let token = try WorkloadToken(Self.token(Self.claims))
        func refusal(_ seconds: Int64) -> String? {
            Self.reason { try token.checkTimes(now: Timestamp(seconds: 1_790_000_000 + seconds)) }
        }
        #expect(refusal(0) == nil && refusal(359) == nil && refusal(-60) == nil)
        #expect(refusal(360) == "the token has expired")
        #expect(refusal(-61) == "the token is not valid yet")
        let long = try WorkloadToken(Self.token(#"{"iss":"i","exp":1790090000}"#))
        #expect(Self.reason { try long.checkTimes(now: Self.now) } == "the token lives for more than 24 hours")
    }

    @Test("The fingerprint is that of issuer and id, whatever the signature; without an id, of what is signed")
    func fingerprints() throws {
        let first = try WorkloadToken(Self.token(Self.claims))
        let again = try WorkloadToken(Self.token(Self.claims))
        #expect(first.fingerprint == again.fingerprint)
        let plain = #"{"iss":"i","exp":1790000300}"#
        #expect(try WorkloadToken(Self.token(plain)).fingerprint == WorkloadToken(Self.token(plain)).fingerprint)
        #expect(
            try WorkloadToken(Self.token(plain)).fingerprint
                != WorkloadToken(Self.token(#"{"iss":"i","exp":1790000301}"#)).fingerprint)
    }
}
