import Crypto
import EventModel
import Ledger
import NIOSSL

/// Who a client's certificate says it is. The listener has verified it against the authorities of clients before any request is read.
struct PeerCertificate: Sendable, Hashable {
    /// The subject in the certificate's own order, as in `C=DE,O=Acme,CN=agent` (RFC 4514's forms and escapes).
    let subject: String
    /// The alternative names: `dns:host.example`, `uri:spiffe://…`, `email:…`.
    let names: [String]
    /// The digest by which it is known.
    let fingerprint: String
    let expires: Timestamp

    /// Names that are looked at; honest certificates have a few.
    private static let maximumNames = 100

    /// Nil for a certificate whose subject cannot be read: it then proves nothing here.
    init?(_ certificate: NIOSSLCertificate) {
        guard let der = try? certificate.toDERBytes(), let subject = CertificateSubject.text(der) else { return nil }
        self.subject = subject
        fingerprint = LowercaseHex.encode(SHA256.hash(data: der))
        expires = Timestamp(seconds: Int64(certificate.notValidAfter))
        names = certificate._subjectAlternativeNames().prefix(Self.maximumNames).compactMap { name in
            let kinds: [_SubjectAlternativeName.NameType: String] = [.dnsName: "dns:", .uri: "uri:", .email: "email:"]
            guard let kind = kinds[name.nameType], let text = String(validating: Array(name.contents), as: UTF8.self)
            else { return nil }
            return kind + text
        }
    }

    /// What bindings compare, by name.
    var claims: [String: [String]] { ["subject": [subject], "san": names] }
}

/// The subject of a certificate, read from its DER (RFC 5280 §4.1).
enum CertificateSubject {
    private static let names: [[UInt8]: String] = [
        [0x55, 4, 3]: "CN", [0x55, 4, 5]: "serialNumber", [0x55, 4, 6]: "C", [0x55, 4, 7]: "L", [0x55, 4, 8]: "ST",
        [0x55, 4, 10]: "O", [0x55, 4, 11]: "OU",
    ]

    /// Nil for what is no certificate.
    static func text(_ der: [UInt8]) -> String? {
        var outer = DERReader(der[...])
        guard let certificate = outer.next(0x30) else { return nil }
        var parts = DERReader(certificate)
        guard let toBeSigned = parts.next(0x30) else { return nil }
        var fields = DERReader(toBeSigned)
        // The version may be left out.
        if fields.isNext(0xA0) { _ = fields.next(0xA0) }
        guard fields.next(0x02) != nil, fields.next(0x30) != nil, fields.next(0x30) != nil, fields.next(0x30) != nil,
            let subject = fields.next(0x30)
        else { return nil }
        var sets = DERReader(subject)
        var written: [String] = []
        while !sets.isAtEnd {
            guard let set = sets.next(0x31) else { return nil }
            var attributes = DERReader(set)
            var values: [String] = []
            while !attributes.isAtEnd {
                guard let attribute = attributes.next(0x30), let text = self.attribute(attribute) else { return nil }
                values.append(text)
            }
            written.append(values.joined(separator: "+"))
        }
        return written.joined(separator: ",")
    }

    private static func attribute(_ bytes: ArraySlice<UInt8>) -> String? {
        var reader = DERReader(bytes)
        guard let type = reader.next(0x06), let (tag, value) = reader.any() else { return nil }
        let name = names[Array(type)] ?? "OID." + LowercaseHex.encode(Array(type))
        // UTF8String, PrintableString, IA5String are texts; of all else only the bytes are sure.
        guard [0x0C, 0x13, 0x16].contains(tag), let text = String(validating: value, as: UTF8.self) else {
            return name + "=#" + LowercaseHex.encode(Array(value))
        }
        return name + "=" + escaped(text)
    }

    /// What would look like another attribute is escaped.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            if scalar.value < 0x20 || scalar.value == 0x7F { return "#" + LowercaseHex.encode(Array(text.utf8)) }
            if "\\,+\"<>;=#".unicodeScalars.contains(scalar) { result += "\\" }
            result.unicodeScalars.append(scalar)
        }
        return result
    }
}

/// Reads elements of DER with definite lengths (X.690 §8.1, §10.1).
private struct DERReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    func isNext(_ tag: UInt8) -> Bool { rest.first == tag }

    /// The content of the next element, if it has this tag.
    mutating func next(_ tag: UInt8) -> ArraySlice<UInt8>? {
        guard isNext(tag) else { return nil }
        return any()?.value
    }

    mutating func any() -> (tag: UInt8, value: ArraySlice<UInt8>)? {
        guard let tag = rest.popFirst(), let first = rest.popFirst() else { return nil }
        var length = Int(first)
        if first >= 0x80 {
            let count = Int(first & 0x7F)
            guard (1...3).contains(count), rest.count >= count else { return nil }
            length = rest.prefix(count).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(count)
        }
        guard rest.count >= length else { return nil }
        defer { rest = rest.dropFirst(length) }
        return (tag, rest.prefix(length))
    }
}
