import EventModel
import QueryLanguage

/// All predicates on one field that ask about a value's text or number, made ready to be answered together.
final class FieldMatcher: Sendable {
    enum Kind: UInt8, Sendable { case text, number, boolean, object }

    /// Looked up by the whole value.
    private let equalFolded: ByteTable?
    private let equalCased: ByteTable?
    private let partsFolded: SubstringIndex
    private let partsCased: SubstringIndex
    private let regexes: RegexSet?
    /// Asked one by one.
    private let others: [(number: Int32, test: CompiledTest)]
    /// Patterns of which a literal part occurs, by predicate: to be looked at whole.
    private let globs: [Int32: (glob: GlobProgram, isCased: Bool)]
    private let anyValue: [Int32]

    /// - Parameter predicates: Numbers of predicates with their tests; those on presence and on other fields are passed over.
    init(_ predicates: [(number: Int32, test: CompiledTest)]) {
        var folded: [[UInt8]: [Int32]] = [:]
        var cased: [[UInt8]: [Int32]] = [:]
        var literals: [Bool: [SubstringIndex.Literal]] = [:]
        var expressions: [(number: Int32, regex: LinearRegex)] = []
        var globs: [Int32: (glob: GlobProgram, isCased: Bool)] = [:]
        var others: [(number: Int32, test: CompiledTest)] = []
        var anyValue: [Int32] = []
        for (number, test) in predicates {
            func add(_ bytes: [UInt8], _ isCased: Bool, start: Bool = false, end: Bool = false) {
                guard !bytes.isEmpty else { return anyValue.append(number) }
                literals[isCased, default: []].append(
                    SubstringIndex.Literal(bytes: bytes, isAtStart: start, isAtEnd: end, number: number))
            }
            switch test {
            case .equal(let bytes, isCased: false): folded[bytes, default: []].append(number)
            case .equal(let bytes, isCased: true): cased[bytes, default: []].append(number)
            case .prefix(let bytes, let isCased): add(bytes, isCased, start: true)
            case .suffix(let bytes, let isCased): add(bytes, isCased, end: true)
            case .contains(let bytes, let isCased): add(bytes, isCased)
            case .glob(let glob, let isCased):
                if let literal = glob.longestLiteral {
                    add(literal, isCased)
                    globs[number] = (glob, isCased)
                } else {
                    others.append((number, test))
                }
            case .regex(let regex): expressions.append((number, regex))
            case .anyValue: anyValue.append(number)
            case .network, .number, .timePart: others.append((number, test))
            case .isNull, .exists, .reference, .elements, .query: break
            }
        }
        equalFolded = folded.isEmpty ? nil : ByteTable(folded)
        equalCased = cased.isEmpty ? nil : ByteTable(cased)
        partsFolded = SubstringIndex(literals[false] ?? [])
        partsCased = SubstringIndex(literals[true] ?? [])
        regexes = expressions.isEmpty ? nil : RegexSet(expressions)
        self.globs = globs
        self.others = others
        self.anyValue = anyValue
    }

    /// Appends the number of every predicate that holds for a value.
    ///
    /// - Parameters:
    ///   - folded: The value in folded case.
    ///   - seen: One mark for each predicate of the program, all of them false before and after.
    func match(
        _ text: UnsafeRawBufferPointer, folded: UnsafeRawBufferPointer, kind: Kind, seen: UnsafeMutablePointer<Bool>,
        into found: inout [Int32]
    ) {
        found += anyValue
        equalFolded?.forEach(folded) { found.append($0) }
        equalCased?.forEach(text) { found.append($0) }
        let first = found.count
        for (index, text) in [(partsFolded, folded), (partsCased, text)] where !index.isEmpty {
            index.forEachMatch(in: text, isKnown: { seen[Int($0)] }) { number in
                seen[Int(number)] = true
                found.append(number)
            }
        }
        for place in first..<found.count { seen[Int(found[place])] = false }
        if !globs.isEmpty {
            // A literal part is there; the rest is still to be seen.
            for place in (first..<found.count).reversed() {
                guard let (glob, isCased) = globs[found[place]] else { continue }
                if !glob.matches(isCased ? text : folded) { found.remove(at: place) }
            }
        }
        regexes?.match(text, into: &found)
        for (number, test) in others where Self.holds(test, text, folded, kind) { found.append(number) }
    }

    private static func holds(
        _ test: CompiledTest, _ text: UnsafeRawBufferPointer, _ folded: UnsafeRawBufferPointer, _ kind: Kind
    ) -> Bool {
        switch test {
        case .glob(let glob, let isCased): return glob.matches(isCased ? text : folded)
        case .network(let range, let isV4):
            // An IPv4-mapped IPv6 address is an IPv6 address here: the families never mix.
            guard text.contains(UInt8(ascii: ":")) != isV4, let address = IPAddress(parsing: text) else { return false }
            return range.contains(address)
        case .number(let comparison, let bound):
            guard kind == .number || kind == .text, let number = RuleNumber(eventText: text) else { return false }
            return comparison.holds(number, bound)
        case .timePart(let part, let comparison, let bound):
            guard kind == .text, let time = Timestamp(parsing: text) else { return false }
            return comparison.holds(.integer(part.value(of: time)), .integer(bound))
        default: return false
        }
    }
}

/// The regular expressions of one field, matched together where that is possible.
final class RegexSet: Sendable {
    /// Expressions of one automaton; more would seldom fit its memory.
    private static let maximumTogether = 256

    private struct Part: Sendable {
        let set: LinearRegexSet?
        let expressions: [(number: Int32, regex: LinearRegex)]
    }

    private let parts: [Part]

    init(_ expressions: [(number: Int32, regex: LinearRegex)]) {
        parts = stride(from: 0, to: expressions.count, by: Self.maximumTogether).map { start in
            let own = Array(expressions[start..<min(start + Self.maximumTogether, expressions.count)])
            return Part(set: own.count < 2 ? nil : LinearRegexSet(own.map(\.regex)), expressions: own)
        }
    }

    func match(_ text: UnsafeRawBufferPointer, into found: inout [Int32]) {
        for part in parts {
            var places: [Int32] = []
            if let set = part.set, set.matches(text, into: &places) {
                for place in places { found.append(part.expressions[Int(place)].number) }
            } else {
                // Alone, or the common automaton ran out of memory on this text.
                for (number, regex) in part.expressions where regex.matches(text) { found.append(number) }
            }
        }
    }
}
