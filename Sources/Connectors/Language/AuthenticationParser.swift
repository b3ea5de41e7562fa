/// Reads `authenticate`.
enum AuthenticationParser {
    static func scheme(_ node: ConfigNode) throws -> AuthenticationScheme {
        guard node.isMapping else {
            switch try node.text() {
            case "none": return .none
            case "basic": return .basic
            default: throw node.error("one of hmac, token, basic, none is expected here")
            }
        }
        let members = try node.members(["hmac", "token"])
        guard members.count == 1 else { throw node.error("one scheme an entry") }
        if let token = members["token"] {
            let parts = try token.members(["header", "prefix"])
            return .token(
                header: try header(parts["header"], token), prefix: Array(try parts["prefix"]?.text().utf8 ?? "".utf8))
        }
        guard let hmac = members["hmac"] else { throw node.error("one scheme an entry") }
        return .hmac(try signature(hmac))
    }

    private static func signature(_ node: ConfigNode) throws -> SignatureScheme {
        let parts = try node.members([
            "header", "algorithm", "encoding", "prefix", "separator", "signed", "time", "tolerance", "key_prefix",
        ])
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
            let source = try time.members(["header", "parameter"])
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
            case let name where name.hasPrefix("header:"):
                parts.append(.header(DeliveryHeaders.lowercased(String(name.dropFirst(7)))))
            default: throw node.error("one of {body}, {timestamp}, {header:NAME} is expected here")
            }
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { parts.append(.literal(Array(rest.utf8))) }
        guard parts.contains(where: { if case .body = $0 { true } else { false } }) else {
            throw node.error("what is signed must hold {body}")
        }
        return parts
    }

    static func header(_ node: ConfigNode?, _ parent: ConfigNode) throws -> [UInt8] {
        guard let node else { throw parent.error("a header is missing here") }
        return DeliveryHeaders.lowercased(try node.text())
    }
}
