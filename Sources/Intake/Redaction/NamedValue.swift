import EventModel

/// The value that belongs to a name, in any of the notations in which payloads write the two down:
/// `"name": "value"` (also inside a JSON string, at any depth of escaping), `name=value`, `name: value`,
/// `--name value`, `["--name", "value"]`, `<name>value</name>`.
struct NamedValue {
    enum Form {
        case plain(Range<Int>, isQuoted: Bool)
        /// The offset of the bracket that opens an array or object.
        case container(Int)
    }

    let form: Form

    /// nil when nothing belongs to the name, or something that is no string: numbers, booleans and null stay.
    ///
    /// - Parameter bareValueEnd: where the last value without quotes ended, kept from name to name: a value that begins
    ///   inside it ends there too.
    init?(_ text: UnsafeRawBufferPointer, after name: Range<Int>, bareValueEnd: inout Int) {
        var position = name.upperBound
        let isOption = text[name.lowerBound] == UInt8(ascii: "-")
        let quote = Self.quote(text, &position)
        if quote == nil, position < text.count, text[position] == UInt8(ascii: ">"), name.lowerBound > 0,
            text[name.lowerBound - 1] == UInt8(ascii: "<")
        {
            form = .plain(position + 1..<Self.end(text, position + 1) { $0 == UInt8(ascii: "<") }, isQuoted: true)
            return
        }
        let hadSpace = Self.skipSpaces(text, &position)
        guard position < text.count else { return nil }
        var separator = text[position]
        if separator == UInt8(ascii: ","), quote != nil, isOption {
            position += 1
        } else if separator == UInt8(ascii: ":") || separator == UInt8(ascii: "=") {
            position += 1
            guard position < text.count else { return nil }
            if separator == UInt8(ascii: ":"), text[position] == UInt8(ascii: "=") {
                separator = UInt8(ascii: "=")
                position += 1
            } else if separator == UInt8(ascii: "="), text[position] == UInt8(ascii: ">") {
                position += 1
            } else if separator == UInt8(ascii: "="), text[position] == UInt8(ascii: "=") {
                return nil
            }
        } else if !(isOption && hadSpace && quote == nil) {
            return nil
        }
        let spaceFollows = Self.skipSpaces(text, &position)
        guard position < text.count else { return nil }
        if text[position] == UInt8(ascii: "{") || text[position] == UInt8(ascii: "[") {
            guard quote == 0, separator == UInt8(ascii: ":") else { return nil }
            form = .container(position)
            return
        }
        if text[position] == UInt8(ascii: "'") {
            let start = position + 1
            form = .plain(
                start..<Self.end(text, start) {
                    $0 == UInt8(ascii: "'") || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\")
                },
                isQuoted: true)
            return
        }
        if let level = Self.quote(text, &position) {
            // A quote of another level closes the string that the name stands in: `"x password="`.
            guard quote != nil ? level == quote : level > 0 || Self.isOutsideStrings(text, name) else { return nil }
            form = .plain(position..<Self.closingQuote(text, position, level: level), isQuoted: true)
            return
        }
        // Quoted names have quoted values; others are numbers, booleans and null. Without quotes, a colon needs a space
        // (a header, a line of YAML): `docker.io/token:latest` is no pair.
        guard quote == nil, separator != UInt8(ascii: ":") || spaceFollows else { return nil }
        if position >= bareValueEnd { bareValueEnd = Self.end(text, position) { CharacterClass.endsValue($0) } }
        let end = bareValueEnd
        guard end > position else { return nil }
        if isOption, text[position] == UInt8(ascii: "-") { return nil }
        // In running text a word after a colon is prose; a credential has digits or signs, or follows its scheme.
        if separator != UInt8(ascii: "="), text[position..<end].allSatisfy({ CharacterClass.isLetter($0) }) {
            let next = min(end + 1, text.count)
            let nextEnd = Self.end(text, next) { CharacterClass.endsValue($0) }
            guard nextEnd - next >= 16, text[next..<nextEnd].contains(where: { CharacterClass.isDigit($0) }) else {
                return nil
            }
            form = .plain(position..<nextEnd, isQuoted: false)
            return
        }
        form = .plain(position..<end, isQuoted: false)
    }

    /// JSON inside strings of JSON inside strings … : four times. Every level takes a pass of its own over what follows.
    private static let maximumQuoteLevel = 15

    /// Reads a double quote with the backslashes before it and returns their number.
    private static func quote(_ text: UnsafeRawBufferPointer, _ position: inout Int) -> Int? {
        var cursor = position
        while cursor < text.count, cursor - position <= maximumQuoteLevel, text[cursor] == UInt8(ascii: "\\") {
            cursor += 1
        }
        guard cursor < text.count, text[cursor] == UInt8(ascii: "\"") else { return nil }
        let level = cursor - position
        position = cursor + 1
        return level
    }

    /// The end of a string that was opened with `level` backslashes before its quote. Inside it, quotes of the text have
    /// twice as many and one more.
    static func closingQuote(_ text: UnsafeRawBufferPointer, _ start: Int, level: Int) -> Int {
        var position = start
        var backslashes = 0
        while position < text.count {
            let byte = text[position]
            if byte == UInt8(ascii: "\\") {
                backslashes += 1
            } else {
                if byte == UInt8(ascii: "\"") {
                    if backslashes % (2 * (level + 1)) == level { return position - level }
                    // Fewer than the level: the string around ends here, so this one was cut off.
                    if backslashes < level { return position - backslashes }
                }
                backslashes = 0
            }
            position += 1
        }
        return text.count
    }

    /// Spaces between tokens, and those written as escapes inside strings.
    private static func skipSpaces(_ text: UnsafeRawBufferPointer, _ position: inout Int) -> Bool {
        let start = position
        while position < text.count, CharacterClass.isSpace(text[position]) { position += 1 }
        return position > start
    }

    private static func end(_ text: UnsafeRawBufferPointer, _ start: Int, _ isEnd: (UInt8) -> Bool) -> Int {
        var end = start
        while end < text.count, !isEnd(text[end]) { end += 1 }
        return end
    }

    /// Whether a name without quotes of its own stands outside strings: in plain text, where `name="value"` is a pair.
    /// JSON has names in quotes only, so a document that begins like JSON has none.
    private static func isOutsideStrings(_ text: UnsafeRawBufferPointer, _ name: Range<Int>) -> Bool {
        guard let first = text.first(where: { !CharacterClass.isSpace($0) }) else { return false }
        return first != UInt8(ascii: "{") && first != UInt8(ascii: "[") && first != UInt8(ascii: "\"")
    }
}
