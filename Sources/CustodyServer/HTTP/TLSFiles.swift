import HummingbirdCore
import HummingbirdTLS
import NIOSSL

/// Certificate and key of a listener; neither for one without TLS.
struct TLSFiles: Sendable {
    let certificate: String?
    let key: String?
    /// Certificates of authorities whose clients may show who they are. Nobody has to: whoever has none uses a token.
    var clientAuthorities: String?

    /// A server that speaks TLS when there are files.
    ///
    /// - Throws: ``ConfigurationError`` that names the file that does not do.
    func serving(_ server: HTTPServerBuilder) throws -> HTTPServerBuilder {
        guard let certificate, let key else {
            guard clientAuthorities == nil else {
                throw ConfigurationError("client_ca needs TLS: a certificate and a key")
            }
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
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain, privateKey: .privateKey(privateKey))
        if let clientAuthorities {
            do {
                configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(clientAuthorities))
            } catch {
                throw ConfigurationError("\(clientAuthorities) holds no certificate in PEM, or cannot be read")
            }
            configuration.certificateVerification = .optionalVerification
        }
        do {
            return try .tls(server, tlsConfiguration: configuration)
        } catch {
            throw ConfigurationError("\(key) is not the key of the certificate in \(certificate)")
        }
    }
}
