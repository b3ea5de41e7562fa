import EventModel

extension FieldReference {
    /// The canonical spelling, which the parser reads back as this reference.
    package var canonical: String {
        switch self {
        case .field(let field): field.path
        case .alias(let alias): alias.rawValue
        case .leafIndex: "index"
        case .raw(let path): "raw" + path.canonical
        case .ext(let key): "ext" + (ExtensionKey.isPlain(key) ? "." + key : PayloadPath.bracketed(key))
        case .column(let name): name
        }
    }

    /// The name of the column that it makes in a table.
    package var name: String { canonical }
}

enum ExtensionKey {
    /// Whether a key of `ext` can be written after a dot: dots are part of it.
    static func isPlain(_ key: String) -> Bool {
        key.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { PayloadPath.isPlain(String($0)) }
    }
}

extension PayloadPath {
    /// The path as it is typed after `raw`: `.a.b["odd key"]`.
    package var canonical: String {
        segments.map { Self.isPlain($0) ? "." + $0 : Self.bracketed($0) }.joined()
    }

    /// Whether a key can be written as it is between dots.
    static func isPlain(_ segment: String) -> Bool {
        !segment.isEmpty && !segment.unicodeScalars.contains(where: endsKey)
    }

    /// The characters that a key between dots cannot hold without an escape.
    static func endsKey(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case ".", ":", ",", "[", "]": true
        case "*", "?": false
        default: CanonicalText.isSpecial(scalar)
        }
    }

    static func bracketed(_ segment: String) -> String { "[" + CanonicalText.quoted(segment) + "]" }
}
