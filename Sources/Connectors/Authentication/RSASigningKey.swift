internal import Crypto
internal import CryptoExtras
internal import Foundation

/// A private RSA key that signs JSON Web Tokens with RS256 (RFC 7518 §3.3): how a GitHub App proves who it is.
package struct RSASigningKey: Sendable {
    private let key: _RSA.Signing.PrivateKey

    /// - Parameter pem: PKCS #1 (`RSA PRIVATE KEY`, as GitHub gives it) or PKCS #8 (`PRIVATE KEY`). Nil for anything else, and for
    ///   keys of fewer than 2,048 bits.
    package init?(pem: String) {
        guard let key = try? _RSA.Signing.PrivateKey(pemRepresentation: pem) else { return nil }
        self.key = key
    }

    /// A compact JWS over claims (RFC 7519 §7.1).
    ///
    /// - Parameter claims: A JSON object.
    /// - Throws: ``ConnectorError`` `missingCredential` when the key cannot sign.
    package func token(claims: String) throws -> String {
        let head = Self.encoded(Array(#"{"alg":"RS256","typ":"JWT"}"#.utf8))
        let signed = head + "." + Self.encoded(Array(claims.utf8))
        do {
            let digest = SHA256.hash(data: Array(signed.utf8))
            let signature = try key.signature(for: digest, padding: .insecurePKCS1v1_5)
            return signed + "." + Self.encoded(Array(signature.rawRepresentation))
        } catch {
            throw ConnectorError(.missingCredential, "the private key cannot sign")
        }
    }

    private static func encoded(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString().replacingOccurrences(of: "+", with: "-")
            .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
    }
}
