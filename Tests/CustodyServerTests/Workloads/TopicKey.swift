import Crypto
import CryptoExtras
import Foundation

/// Signs as SNS does.
enum TopicKey {
    static func sign(_ text: String, isSHA256: Bool) throws -> String {
        let key = try _RSA.Signing.PrivateKey(pemRepresentation: TestCertificates.topicKey)
        let data = Data(text.utf8)
        let signature =
            isSHA256
            ? try key.signature(for: SHA256.hash(data: data), padding: .insecurePKCS1v1_5)
            : try key.signature(for: Insecure.SHA1.hash(data: data), padding: .insecurePKCS1v1_5)
        return signature.rawRepresentation.base64EncodedString()
    }
}
