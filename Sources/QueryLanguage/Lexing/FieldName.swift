import EventModel

/// The names of fields, as they are typed.
enum FieldName {
    /// The reference of a name other than `raw.…` and `ext.…`, ignoring case; aliases become what they stand for.
    static func resolve(_ name: String) -> FieldReference? {
        let name = name.lowercased()
        switch name {
        case "user": return .alias(.actor)
        case "created": return .field(.time)
        case "index": return .leafIndex
        default: break
        }
        if let alias = Alias(rawValue: name) { return .alias(alias) }
        // `ext` alone names no value.
        guard let field = Field(path: name), field != .ext else { return nil }
        return .field(field)
    }

    /// Every name that can be typed whole, what is typed most first.
    static let all: [String] = {
        let frequent: [Field] = [.time, .action, .outcome, .category]
        let others = Field.allCases.filter { $0 != .ext && !frequent.contains($0) }
        return Alias.allCases.map(\.rawValue) + (frequent + others).map(\.path) + ["index"]
    }()

    static func isNameStart(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "_" || ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
    }

    static func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
        isNameStart(scalar) || scalar == "." || scalar == "-" || ("0"..."9").contains(scalar)
    }

    /// What begins identifiers that hold colons: such a word is searched as it is, unless a field has that name.
    private static let identifierSchemes: Set<String> = [
        "sha1", "sha224", "sha256", "sha384", "sha512", "sha3-256", "sha3-512", "blake2b", "blake2s", "blake3", "md5",
        "pkg", "arn", "urn", "cpe", "did", "swh", "spdx", "mailto", "system",
    ]

    /// Whether a bare word whose text before its first colon is no field is an identifier all the same: a digest, a package
    /// URL, a URL, an IPv6 address, a Kubernetes `system:` name.
    static func isIdentifier(word: String) -> Bool {
        let (scheme, rest) = splitAtColon(word)
        guard let scheme, let rest else { return false }
        return identifierSchemes.contains(scheme.lowercased()) || rest.starts(with: "//".unicodeScalars)
            || IPAddress(parsing: word) != nil
    }

    /// Whether the parser would take the text before the first colon of this word for the name of a field.
    static func separates(word: String) -> Bool {
        guard let name = splitAtColon(word).name, let first = name.unicodeScalars.first, isNameStart(first) else {
            return false
        }
        if ["raw.", "raw[", "ext.", "ext["].contains(where: { name.lowercased().utf8.starts(with: $0.utf8) }) {
            return true
        }
        guard name.unicodeScalars.allSatisfy(isNamePart) else { return false }
        return resolve(name) != nil || !isIdentifier(word: word)
    }

    /// Scalars, not characters: a combining mark after a colon makes another character of it, and no other syntax.
    private static func splitAtColon(_ word: String) -> (name: String?, rest: Substring.UnicodeScalarView?) {
        let scalars = word.unicodeScalars
        guard let colon = scalars.firstIndex(of: ":") else { return (nil, nil) }
        return (String(scalars[..<colon]), scalars[scalars.index(after: colon)...])
    }
}
