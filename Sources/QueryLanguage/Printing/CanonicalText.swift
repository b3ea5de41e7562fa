/// How texts are written so that the parser reads them back as they are.
enum CanonicalText {
    /// Characters that end a word or mean something anywhere in it.
    static func isSpecial(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "(", ")", "|", "\"", "*", "?", "\\": true
        default: scalar.properties.isWhitespace
        }
    }

    /// `"…"`: only the quote and the backslash need an escape there.
    static func quoted(_ text: String) -> String {
        var output = "\""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { output.unicodeScalars.append("\\") }
            output.unicodeScalars.append(scalar)
        }
        return output + "\""
    }

    /// The text with a backslash before what would mean something in a word.
    static func escaped(_ text: String) -> String {
        var output = ""
        for scalar in text.unicodeScalars {
            if isSpecial(scalar) { output.unicodeScalars.append("\\") }
            output.unicodeScalars.append(scalar)
        }
        return output
    }

    static func pattern(_ glob: GlobPattern) -> String {
        glob.pieces.map { piece in
            switch piece {
            case .literal(let text): escaped(text)
            case .one: "?"
            case .run: "*"
            }
        }.joined()
    }

    /// A regular expression between slashes; pairs of a backslash and a character stay together.
    static func regex(_ pattern: String) -> String {
        var output = "/"
        var isEscaped = false
        for scalar in pattern.unicodeScalars {
            if scalar == "/", !isEscaped { output.unicodeScalars.append("\\") }
            isEscaped = scalar == "\\" && !isEscaped
            output.unicodeScalars.append(scalar)
        }
        return output + "/"
    }
}
