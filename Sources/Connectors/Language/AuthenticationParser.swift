/// Reads `authenticate`.
enum AuthenticationParser {
    static func scheme(_ node: ConfigNode) throws -> AuthenticationScheme {
        guard node.isMapping else {
            switch try node.text() {
            case "none": return .none
            case "basic": return .basic
            case "sns": return .topic
            default: throw node.error("one of hmac, signature, jwt, token, mtls, basic, sns, none is expected here")
            }
        }
        let members = try node.members(schemeKeys)
        guard members.count == 1 else { throw node.error("one scheme an entry") }
        if let token = members["token"] {
            let parts = try token.members(tokenKeys)
            return .token(
                header: try header(parts["header"], token), prefix: Array(try parts["prefix"]?.text().utf8 ?? "".utf8))
        }
        if let signature = members["signature"] { return .signature(try keySignature(signature)) }
        if let token = members["jwt"] { return .jwt(try webToken(token)) }
        if let certificate = members["mtls"] { return .certificate(try self.certificate(certificate)) }
        guard let hmac = members["hmac"] else { throw node.error("one scheme an entry") }
        return .hmac(try signature(hmac))
    }

    static let schemeKeys = ["hmac", "signature", "jwt", "token", "mtls"]
    static let hmacKeys = [
        "header", "algorithm", "encoding", "prefix", "separator", "signed", "time", "tolerance", "key_prefix",
    ]
    static let timeKeys = ["header", "parameter", "unit"]
    static let signatureKeys = ["header", "algorithm", "prefix", "signed"]
    static let tokenKeys = ["header", "prefix"]
    static let webTokenKeys = ["header", "prefix", "issuer", "audience", "claims"]

    static let certificateKeys = ["subject", "san"]

    private static func certificate(_ node: ConfigNode) throws -> CertificateScheme {
        let parts = try node.members(certificateKeys)
        func names(_ key: String) throws -> Set<String> { Set(try (parts[key]?.list ?? []).map { try $0.text() }) }
        let scheme = CertificateScheme(subjects: try names("subject"), names: try names("san"))
        guard !scheme.subjects.isEmpty || !scheme.names.isEmpty else {
            throw node.error("a subject or an alternative name (san) is missing here")
        }
        return scheme
    }

    private static func keySignature(_ node: ConfigNode) throws -> KeySignatureScheme {
        let parts = try node.members(signatureKeys)
        var scheme = KeySignatureScheme(header: try header(parts["header"], node))
        if let algorithm = parts["algorithm"] { scheme.algorithm = try algorithm.oneOf(VerifyingKey.Algorithm.self) }
        if let prefix = parts["prefix"] { scheme.prefix = Array(try prefix.text().utf8) }
        if let signed = parts["signed"] { scheme.signed = try signed.oneOf(KeySignatureScheme.Signed.self) }
        return scheme
    }

    private static func webToken(_ node: ConfigNode) throws -> JSONWebTokenScheme {
        let parts = try node.members(webTokenKeys)
        var scheme = JSONWebTokenScheme(header: try header(parts["header"], node))
        if let prefix = parts["prefix"] { scheme.prefix = Array(try prefix.text().utf8) }
        scheme.issuers = try texts(parts["issuer"])
        scheme.audiences = try texts(parts["audience"])
        for (name, values) in try parts["claims"]?.entries() ?? [] {
            scheme.claims.append((Array(try name.text().utf8), try texts(values)))
        }
        return scheme
    }

    private static func texts(_ node: ConfigNode?) throws -> [[UInt8]] {
        try (node?.list ?? []).map { Array(try $0.text().utf8) }
    }

    private static func signature(_ node: ConfigNode) throws -> SignatureScheme {
        let parts = try node.members(hmacKeys)
        var scheme = SignatureScheme(header: try header(parts["header"], node))
        if let algorithm = parts["algorithm"] { scheme.algorithm = try algorithm.oneOf(SignatureScheme.Algorithm.self) }
        if let encoding = parts["encoding"] { scheme.encoding = try encoding.oneOf(SignatureScheme.Encoding.self) }
        if let prefix = parts["prefix"] { scheme.prefix = Array(try prefix.text().utf8) }
        if let prefix = parts["key_prefix"] { scheme.encodedSecretPrefix = Array(try prefix.text().utf8) }
        if let tolerance = parts["tolerance"] { scheme.toleranceSeconds = Int64(try tolerance.integer(1...86_400)) }
        if let separator = parts["separator"] {
            let text = Array(try separator.text().utf8)
            guard text.count == 1 else { throw separator.error("a separator is one character") }
            scheme.separator = text[0]
        }
        if let time = parts["time"] {
            let source = try time.members(timeKeys)
            if let unit = source["unit"] { scheme.timeUnit = try unit.oneOf(SignatureScheme.TimeUnit.self) }
            if let name = source["parameter"] {
                scheme.time = .parameter(Array(try name.text().utf8))
            } else {
                scheme.time = .header(try header(source["header"], time))
            }
        }
        if let signed = parts["signed"] { scheme.signed = try template(signed) }
        let usesTime = scheme.signed.contains { if case .timestamp = $0 { true } else { false } }
        guard usesTime == (scheme.time != nil) else {
            throw node.error("a signed time needs both \"time\" and {timestamp} in \"signed\"")
        }
        return scheme
    }

    private static func template(_ node: ConfigNode) throws -> [SignatureScheme.Part] {
        var parts: [SignatureScheme.Part] = []
        var rest = try node.text()[...]
        while let open = rest.firstIndex(of: "{") {
            if open > rest.startIndex { parts.append(.literal(Array(rest[..<open].utf8))) }
            guard let close = rest.firstIndex(of: "}"), close > open else { throw node.error("{ without }") }
            switch rest[rest.index(after: open)..<close] {
            case "body": parts.append(.body)
            case "timestamp": parts.append(.timestamp)
            case "secret": parts.append(.secret)
            case let name where name.hasPrefix("header:"):
                parts.append(.header(DeliveryHeaders.lowercased(String(name.dropFirst(7)))))
            default: throw node.error("one of {body}, {timestamp}, {secret}, {header:NAME} is expected here")
            }
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { parts.append(.literal(Array(rest.utf8))) }
        let names = parts.contains {
            switch $0 {
            case .body, .secret: true
            default: false
            }
        }
        guard names else { throw node.error("what is signed must hold {body} or, where it covers no body, {secret}") }
        return parts
    }

    static func header(_ node: ConfigNode?, _ parent: ConfigNode) throws -> [UInt8] {
        guard let node else { throw parent.error("a header is missing here") }
        return DeliveryHeaders.lowercased(try node.text())
    }
}
