/// Finds the stage and the term that a cursor stands in, in text that may be unfinished.
struct CompletionSplitter {
    struct Value {
        let field: String
        /// As typed, from after the sign and the opening quote.
        let typed: String
        /// Without escapes.
        let prefix: String
    }

    /// 0 in the filter, 1 after the first bar.
    private(set) var stageIndex = 0
    /// The text before the last bar.
    private(set) var finished = ""
    /// The text after the last bar.
    private(set) var stage = ""
    private(set) var isInsideQuotes = false
    /// What is typed of the term at the cursor, without a leading minus.
    private(set) var term = ""
    /// The field and the value being typed, when the term has a colon or stands in a field's list.
    private(set) var value: Value?

    init(_ text: String) {
        var scanner = QueryScanner(text)
        var termStart = 0
        var stageStart = 0
        var listField: String?
        while let next = scanner.next {
            let position = scanner.position
            scanner.position += 1
            switch next {
            case "\\": scanner.position = min(scanner.position + 1, scanner.scalars.count)
            case "\"":
                scanner.position = position
                if (try? scanner.quoted()) == nil {
                    isInsideQuotes = true
                    scanner.position = scanner.scalars.count
                }
            case "/" where position > termStart && scanner.scalar(at: position - 1) == ":":
                scanner.position = position
                if scanner.regex() == nil { scanner.position = position + 1 }
            case "|":
                stageIndex += 1
                finished = scanner.text(0..<position)
                stageStart = scanner.position
                termStart = scanner.position
                listField = nil
            case "(":
                let before = scanner.text(termStart..<position)
                listField = before.hasSuffix(":") ? Self.withoutMinus(String(before.dropLast())) : nil
                termStart = scanner.position
            case ")":
                listField = nil
                termStart = scanner.position
            default:
                if next.properties.isWhitespace { termStart = scanner.position }
            }
        }
        stage = scanner.text(stageStart..<scanner.scalars.count)
        term = Self.withoutMinus(scanner.text(termStart..<scanner.scalars.count))
        if let listField {
            value = Self.value(listField, term)
        } else if let colon = Self.colon(in: term) {
            value = Self.value(String(term[..<colon]), String(term[term.index(after: colon)...]))
        }
    }

    private static func withoutMinus(_ text: String) -> String { text.hasPrefix("-") ? String(text.dropFirst()) : text }

    /// The first colon outside brackets and escapes.
    private static func colon(in term: String) -> String.Index? {
        guard !term.hasPrefix("\"") else { return nil }
        var isQuoted = false
        var isEscaped = false
        for index in term.indices {
            let character = term[index]
            if character == ":", !isQuoted, !isEscaped { return index }
            if character == "\"", !isEscaped { isQuoted.toggle() }
            isEscaped = character == "\\" && !isEscaped
        }
        return nil
    }

    private static func value(_ field: String, _ typed: String) -> Value {
        var rest = typed[...]
        for sign in [">=", "<=", ">", "<", "="] where rest.hasPrefix(sign) {
            rest = rest.dropFirst(sign.count)
            break
        }
        let isQuoted = rest.hasPrefix("\"")
        if isQuoted { rest = rest.dropFirst() }
        let prefix = GlobPattern(parsing: String(rest))
        return Value(field: field, typed: String(rest), prefix: isQuoted ? String(rest) : prefix.literals.joined())
    }
}

/// What a place in a stage expects.
enum CompletionSlot {
    case stage(String)
    case aggregate(String)
    case field(String)
    case filter
    case nothing

    /// - Parameter stage: the text between the bar and the cursor.
    init(stage: String) {
        let words = stage.split(whereSeparator: \.isWhitespace)
        let endsWord = stage.last?.isWhitespace ?? true
        guard let name = words.first?.lowercased(), words.count > 1 || endsWord else {
            self = .stage(words.first.map(String.init) ?? "")
            return
        }
        let typed = String(
            stage.reversed().prefix { !$0.isWhitespace && $0 != "," && $0 != "(" }.reversed())
        let rest = words.dropFirst().map { $0.lowercased() }
        let before = endsWord ? rest[...] : rest.dropLast()
        switch name {
        case "where": self = .filter
        case "stats", "timechart":
            let isInCall = stage.lastIndex(of: "(").map { !stage[$0...].contains(")") } ?? false
            if before.last == "as" {
                self = .nothing
            } else if isInCall || before.contains("by") {
                self = .field(typed)
            } else {
                self = typed.hasPrefix("span=") ? .nothing : .aggregate(typed)
            }
        case "top", "rare", "fields", "sort", "dedup":
            self = .field(typed.hasPrefix("-") ? String(typed.dropFirst()) : typed)
        default: self = .nothing
        }
    }
}
