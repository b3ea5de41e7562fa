import EventModel

/// A Sigma string: literal bytes and wildcards (SigmaHQ/sigma-specification 2.1.0, "Escaping").
///
/// Literals are bytes, not text, because encoding modifiers make values that are not UTF-8.
package struct SigmaPattern: Hashable, Sendable {
    package enum Part: Hashable, Sendable {
        case literal([UInt8])
        /// `*`: any text, the empty one and line ends included.
        case any
        /// `?`: exactly one Unicode scalar.
        case one
    }

    package let parts: [Part]

    package init(_ parts: [Part]) {
        var joined: [Part] = []
        for part in parts {
            if case .literal(let bytes) = part {
                if bytes.isEmpty { continue }
                if case .literal(let before)? = joined.last {
                    joined[joined.count - 1] = .literal(before + bytes)
                    continue
                }
            }
            joined.append(part)
        }
        self.parts = joined
    }

    package init(literal text: String) { self.init([.literal(Array(text.utf8))]) }

    /// Reads a Sigma string. `\*` and `\?` are literal, `\\` is one backslash, and a backslash before anything else is
    /// itself: paths of Windows need no escaping.
    package init(parsing text: String) {
        var parts: [Part] = []
        var literal: [UInt8] = []
        let backslash = UInt8(ascii: "\\")
        var isEscaped = false
        for byte in text.utf8 {
            let wildcard: Part? = byte == UInt8(ascii: "*") ? .any : byte == UInt8(ascii: "?") ? .one : nil
            if isEscaped {
                isEscaped = false
                if wildcard == nil, byte != backslash { literal.append(backslash) }
                literal.append(byte)
            } else if byte == backslash {
                isEscaped = true
            } else if let wildcard {
                parts.append(.literal(literal))
                parts.append(wildcard)
                literal = []
            } else {
                literal.append(byte)
            }
        }
        if isEscaped { literal.append(backslash) }
        parts.append(.literal(literal))
        self.init(parts)
    }

    package var hasWildcards: Bool { parts.contains { $0 == .any || $0 == .one } }

    /// The bytes of a pattern without wildcards; nil when it has some.
    package var literal: [UInt8]? {
        guard let first = parts.first else { return [] }
        guard parts.count == 1, case .literal(let bytes) = first else { return nil }
        return bytes
    }

    package func appending(_ part: Part) -> SigmaPattern { parts.last == part ? self : SigmaPattern(parts + [part]) }
    package func prepending(_ part: Part) -> SigmaPattern { parts.first == part ? self : SigmaPattern([part] + parts) }

    /// The pattern as a rule would write it.
    package var text: String {
        var text = ""
        for part in parts {
            switch part {
            case .any: text += "*"
            case .one: text += "?"
            case .literal(let bytes): text += String(decoding: bytes, as: UTF8.self)
            }
        }
        return text
    }
}
