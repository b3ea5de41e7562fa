/// Who the client's certificate says it is, which whoever took the connection has verified against its authorities.
package struct DeliveryCertificate: Sendable {
    /// In RFC 4514's form, such as `O=Acme,CN=agent`.
    package let subject: String
    /// The alternative names, such as `dns:agent.example`.
    package let names: [String]

    package init(subject: String, names: [String]) {
        self.subject = subject
        self.names = names
    }
}

/// A client certificate of a subject, or with an alternative name, that the connector's file names.
struct CertificateScheme: Sendable {
    var subjects: Set<String> = []
    var names: Set<String> = []

    /// Both have to fit where both are named.
    func accepts(_ certificate: DeliveryCertificate) -> Bool {
        (subjects.isEmpty || subjects.contains(certificate.subject))
            && (names.isEmpty || !names.isDisjoint(with: certificate.names))
    }
}

extension Connector {
    /// Whether the delivery came over a connection whose client showed a certificate that the connector's file names.
    package func acceptsCertificate(of delivery: Delivery) -> Bool {
        guard let certificate = delivery.certificate else { return false }
        return authentication.contains {
            if case .certificate(let scheme) = $0 { scheme.accepts(certificate) } else { false }
        }
    }
}
