import EventModel
import Foundation
import QueryLanguage

/// The contract's meaning of filters a second time: on strings and dictionaries, with none of the code under test. Slow and
/// plain on purpose.
struct NaiveReference {
    let sample: Sample
    private let payload: Any?

    init(_ sample: Sample) {
        self.sample = sample
        payload = try? JSONSerialization.jsonObject(with: Data(sample.payload.utf8))
    }

    func matches(_ filter: Filter, hidden: Set<FieldGroup> = []) -> Bool {
        switch filter {
        case .all: true
        case .and(let members): members.allSatisfy { matches($0, hidden: hidden) }
        case .or(let members): members.contains { matches($0, hidden: hidden) }
        case .not(let member): !matches(member, hidden: hidden)
        case .text(let match): texts(hidden: hidden).contains { Self.contains($0, match) }
        case .field(let reference, let match): values(reference, hidden).contains { holds($0, match, reference) }
        }
    }

    // MARK: Values

    private enum Value {
        case text(Field?, String)
        case time(Timestamp)
        case container
    }

    private func values(_ reference: FieldReference, _ hidden: Set<FieldGroup>) -> [Value] {
        switch reference {
        case .leafIndex: return [.text(nil, String(sample.index))]
        case .field(let field): return values([field], hidden)
        case .alias(let alias): return values(alias.searched, hidden)
        case .ext(let key):
            return hidden.contains(.text) ? [] : sample.extensions.filter { $0.0 == key }.map { .text(nil, $0.1) }
        case .raw(let path):
            guard !hidden.contains(.raw), let payload else { return [] }
            return Self.lookup(payload, path.segments)
        case .column: return []
        }
    }

    private func values(_ fields: [Field], _ hidden: Set<FieldGroup>) -> [Value] {
        fields.filter { !hidden.contains($0.group) }.flatMap { field -> [Value] in
            if field == .time { return [.time(sample.time)] }
            if field == .received { return [.time(sample.received)] }
            return sample.fields.filter { $0.0 == field }.flatMap { $0.1.map { .text(field, $0) } }
        }
    }

    private static func lookup(_ value: Any, _ segments: [String]) -> [Value] {
        if let array = value as? [Any] { return array.flatMap { lookup($0, segments) } }
        if value is NSNull { return [] }
        if let object = value as? [String: Any], !segments.isEmpty {
            for length in (1...segments.count).reversed() {
                guard let member = object[segments[..<length].joined(separator: ".")] else { continue }
                let found = lookup(member, Array(segments[length...]))
                if !found.isEmpty { return found }
            }
            return []
        }
        guard segments.isEmpty else { return [] }
        if value is [String: Any] { return [.container] }
        if let text = value as? String { return [.text(nil, text)] }
        guard let number = value as? NSNumber else { return [] }
        if CFBooleanCheck.isBoolean(number) { return [.text(nil, number.boolValue ? "true" : "false")] }
        // Foundation prints some whole numbers that were written with an exponent otherwise.
        if let whole = Int64(exactly: number.doubleValue) { return [.text(nil, String(whole))] }
        return [.text(nil, number.stringValue)]
    }

    // MARK: Values against tests

    private func holds(_ value: Value, _ match: ValueMatch, _ reference: FieldReference) -> Bool {
        if match == .present { return true }
        if case .oneOf(let members) = match { return members.contains { holds(value, $0, reference) } }
        switch value {
        case .container: return false
        case .time(let time):
            guard let interval = match.timeInterval else { return Self.holds(time.text, match) }
            return (interval.lower.map { $0 <= time } ?? true) && (interval.upper.map { time < $0 } ?? true)
        case .text(let field, let text):
            if Self.holds(text, match) { return true }
            if field == .artifactDigest, let colon = text.firstIndex(of: ":") {
                return Self.holds(String(text[text.index(after: colon)...]), match)
            }
            if field == .sourceKind, reference == .alias(.source), case .equals(let name) = match {
                return text.lowercased().hasPrefix(name.lowercased() + "-")
            }
            return false
        }
    }

    private static func holds(_ text: String, _ match: ValueMatch) -> Bool {
        switch match {
        case .present: return true
        case .equals(let value): return text.lowercased() == value.lowercased()
        case .prefix(let value): return text.lowercased().hasPrefix(value.lowercased())
        case .exact(let value):
            // Bytes: two strings are equal in Swift when they are equivalent, as the Kelvin sign and K are.
            return Array(text.utf8) == Array(value.utf8)
        case .glob(let glob): return globs(Array(text.lowercased()), glob.pieces[...])
        case .regex(let regex): return text.range(of: regex.pattern, options: .regularExpression) != nil
        case .compare(let comparison, .number(let number)):
            guard let value = Double(text), text.first != "+" else { return false }
            switch comparison {
            case .equal: return value == number.double
            case .less: return value < number.double
            case .lessOrEqual: return value <= number.double
            case .greater: return value > number.double
            case .greaterOrEqual: return value >= number.double
            }
        case .range(.number(let lower), .number(let upper)):
            guard let value = Double(text) else { return false }
            return lower.double <= value && value <= upper.double
        case .network(let range):
            return IPAddress(parsing: text).map { range.lower <= $0 && $0 <= range.upper } ?? false
        case .compare(.equal, .address(let address)): return IPAddress(parsing: text) == address
        case .oneOf(let members): return members.contains { holds(text, $0) }
        default: return false
        }
    }

    private static func globs(_ text: [Character], _ pieces: ArraySlice<GlobPattern.Piece>) -> Bool {
        guard let piece = pieces.first else { return text.isEmpty }
        let rest = pieces.dropFirst()
        switch piece {
        case .one: return !text.isEmpty && globs(Array(text.dropFirst()), rest)
        case .run: return (0...text.count).contains { globs(Array(text.dropFirst($0)), rest) }
        case .literal(let literal):
            let literal = Array(literal.lowercased())
            return text.starts(with: literal) && globs(Array(text.dropFirst(literal.count)), rest)
        }
    }

    // MARK: Text

    private func texts(hidden: Set<FieldGroup>) -> [String] {
        var texts = sample.fields.filter { !hidden.contains($0.0.group) }.flatMap(\.1)
        if !hidden.contains(.text) { texts += sample.extensions.map(\.1) }
        if !hidden.contains(.raw) { texts.append(sample.payload) }
        return texts
    }

    private static func contains(_ text: String, _ match: TextMatch) -> Bool {
        let (needle, startsAtEdge, endsAtEdge): (String, Bool, Bool)
        switch match {
        case .word(let word): (needle, startsAtEdge, endsAtEdge) = (word, true, true)
        case .substring(let part): (needle, startsAtEdge, endsAtEdge) = (part, false, false)
        case .wordPrefix(let part): (needle, startsAtEdge, endsAtEdge) = (part, true, false)
        case .wordSuffix(let part): (needle, startsAtEdge, endsAtEdge) = (part, false, true)
        case .pattern: return false
        }
        let (bytes, wanted) = (Array(text.lowercased().utf8), Array(needle.lowercased().utf8))
        guard bytes.count >= wanted.count else { return false }
        func isToken(_ position: Int) -> Bool {
            guard bytes.indices.contains(position) else { return false }
            let byte = bytes[position]
            return byte >= 0x80 || byte == 0x5F || (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
        }
        return (0...bytes.count - wanted.count).contains { start in
            let end = start + wanted.count
            return Array(bytes[start..<end]) == wanted
                && (!startsAtEdge || !(isToken(start - 1) && isToken(start)))
                && (!endsAtEdge || !(isToken(end - 1) && isToken(end)))
        }
    }
}

/// Tells the booleans of JSONSerialization from its numbers.
enum CFBooleanCheck {
    static func isBoolean(_ number: NSNumber) -> Bool {
        String(cString: number.objCType) == "c" || String(cString: number.objCType) == "B"
    }
}
