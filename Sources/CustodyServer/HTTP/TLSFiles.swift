import HummingbirdCore
import HummingbirdTLS
import NIOSSL

/// Certificate and key of a listener; neither for one without TLS.
struct TLSFiles: Sendable {
    let certificate: String?
    let key: String?

    /// A server that speaks TLS when there are files.
    ///
    /// - Throws: ``ConfigurationError`` that names the file that does not do.
    func serving(_ server: HTTPServerBuilder) throws -> HTTPServerBuilder {
        guard let certificate, let key else {
            guard certificate == nil, key == nil else {
                throw ConfigurationError("TLS needs both a certificate and a key")
            }
            return server
        }
        let chain: [NIOSSLCertificateSource]
        let privateKey: NIOSSLPrivateKey
        do {
            chain = try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) }
        } catch {
            throw ConfigurationError("\(certificate) holds no certificate in PEM, or cannot be read")
        }
        do {
            privateKey = try NIOSSLPrivateKey(file: key, format: .pem)
        } catch {
            throw ConfigurationError("\(key) holds no private key in PEM, or cannot be read")
        }
        do {
            return try .tls(
                server,
                tlsConfiguration: .makeServerConfiguration(
                    certificateChain: chain, privateKey: .privateKey(privateKey)))
        } catch {
            throw ConfigurationError("\(key) is not the key of the certificate in \(certificate)")
        }
    }
}
