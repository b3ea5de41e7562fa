internal import Digests
import EventModel
import QueryLanguage

/// A filter made ready to run: short names resolved, hidden fields gone, values compiled. It is the one meaning of a
/// filter: columns, records, live tail and detection all evaluate this tree.
indirect enum CompiledFilter: Sendable {
    case constant(Bool)
    case and([CompiledFilter])
    case or([CompiledFilter])
    case not(CompiledFilter)
    /// Any of the fields has a value that matches.
    case field(FieldTest)
    /// `time` or `received`.
    case time(TimeTest)
    case index(IndexTest)
    case payload(PayloadTest)
    case `extension`(key: String, ValuePredicate)
    case text(TextTest)

    /// Drops constants, so that the executor sees them only at the root.
    static func conjunction(_ members: [CompiledFilter]) -> CompiledFilter {
        var kept: [CompiledFilter] = []
        for member in members {
            switch member {
            case .constant(true): continue
            case .constant(false): return .constant(false)
            case .and(let inner): kept.append(contentsOf: inner)
            default: kept.append(member)
            }
        }
        guard let first = kept.first else { return .constant(true) }
        return kept.count == 1 ? first : .and(kept)
    }

    static func disjunction(_ members: [CompiledFilter]) -> CompiledFilter {
        var kept: [CompiledFilter] = []
        for member in members {
            switch member {
            case .constant(false): continue
            case .constant(true): return .constant(true)
            case .or(let inner): kept.append(contentsOf: inner)
            default: kept.append(member)
            }
        }
        guard let first = kept.first else { return .constant(false) }
        return kept.count == 1 ? first : .or(kept)
    }

    static func negation(_ member: CompiledFilter) -> CompiledFilter {
        switch member {
        case .constant(let value): .constant(!value)
        case .not(let inner): inner
        default: .not(member)
        }
    }
}

/// A test of one or several text, number or address fields.
struct FieldTest: Sendable {
    let fields: [Field]
    let value: FieldValueTest

    /// Whether columns alone decide it.
    var isColumnar: Bool { fields.allSatisfy(\.isColumnar) }
}

/// What a value of a field must be.
struct FieldValueTest: Sendable {
    enum Kind: Sendable {
        case plain
        /// A digest is typed with or without its algorithm: the test may hold for what follows the first colon too.
        case digest
        /// `source:github` finds the kinds that begin `github-` too: the folded name and the dash.
        case kind([[UInt8]])
    }

    let predicate: ValuePredicate
    let kind: Kind
    /// The only value that can match, byte for byte, when there is one: a dictionary looks it up.
    let exact: [UInt8]?
    /// Folded: what every matching value begins with, in a digest perhaps behind its algorithm; empty when nothing is known.
    let start: [UInt8]
    /// Of a test of addresses: what every matching value begins with, one of these; empty when nothing is known.
    let addressStarts: [[UInt8]]
    /// Whether every value matches.
    let isPresence: Bool
    /// What every record with a matching value holds; nil when nothing is known.
    let required: RequiredTokens?
    /// Tells a regular expression, or a pattern that begins anyhow, from others: for those all values of a column have to be looked at. Nil
    /// for other tests.
    let name: Name?

    /// Half of a digest of what is tested: tests of one name are the same.
    struct Name: Hashable, Sendable {
        private let bits: (high: UInt64, low: UInt64)

        init(_ text: String) {
            var digest = InlineArray<4, UInt64>(repeating: 0)
            var text = text
            withUnsafeMutableBytes(of: &digest) { digest in
                text.withUTF8 { MessageDigest.write(of: UnsafeRawBufferPointer($0), to: digest.baseAddress!) }
            }
            bits = (digest[0], digest[1])
        }

        static func == (left: Name, right: Name) -> Bool { left.bits == right.bits }
        func hash(into hasher: inout Hasher) { hasher.combine(bits.high) }
    }

    init(_ match: ValueMatch, kind: Kind = .plain) {
        predicate = ValuePredicate(match)
        self.kind = kind
        isPresence = match == .present
        start = Self.start(of: match)
        addressStarts = match.addressRange.map(Self.starts) ?? []
        if case .plain = kind { required = RequiredTokens(match, inPayload: false) } else { required = nil }
        if case .exact(let text) = match, case .plain = kind { exact = Array(text.utf8) } else { exact = nil }
        name = Self.name(of: match, kind, start)
    }

    private static func name(of match: ValueMatch, _ kind: Kind, _ start: [UInt8]) -> Name? {
        switch match {
        case .regex, .glob: start.isEmpty ? Name("\(kind) \(match.canonical)") : nil
        // The others cost little, or mean something else at another time.
        default: nil
        }
    }

    private static func start(of match: ValueMatch) -> [UInt8] {
        switch match {
        case .equals(let text), .exact(let text), .prefix(let text): CaseFolding.folded(text)
        case .glob(let glob):
            if case .literal(let text)? = glob.pieces.first { CaseFolding.folded(text) } else { [] }
        case .present, .regex, .compare, .range, .network, .oneOf: []
        }
    }

    /// What texts of a range's addresses begin with: the octets that all of them share; or, as IPv6 writes an IPv4 address, zeros.
    private static func starts(of range: AddressRange) -> [[UInt8]] {
        guard range.lower.isV4, range.upper.isV4 else { return [] }
        let octets = zip(range.lower.text.split(separator: "."), range.upper.text.split(separator: "."))
        let shared = octets.prefix { $0 == $1 }.map(\.0)
        guard !shared.isEmpty else { return [] }
        let text = shared.joined(separator: ".") + (shared.count < 4 ? "." : "")
        return [text, "0:", "00", ":"].map { Array($0.utf8) }
    }

    func matches(_ value: UnsafeRawBufferPointer) -> Bool {
        if isPresence || predicate.matches(value) { return true }
        switch kind {
        case .plain: return false
        case .digest:
            guard let colon = value.firstIndex(of: UInt8(ascii: ":")) else { return false }
            return predicate.matches(value.slice(colon + 1..<value.count))
        case .kind(let prefixes):
            return prefixes.contains { prefix in
                value.count > prefix.count
                    && prefix.withUnsafeBytes { CaseFolding.areEqual(value.slice(0..<prefix.count), $0) }
            }
        }
    }
}

/// A test of `time` or `received`, as closed ranges of nanoseconds; any of them suffices.
struct TimeTest: Sendable {
    let field: Field
    let ranges: [ClosedRange<Int64>]
    /// For what is no comparison, as a regular expression: decided on the RFC 3339 text.
    let text: ValuePredicate?

    /// The range, when it is all that is tested.
    var onlyRange: ClosedRange<Int64>? { text == nil && ranges.count == 1 ? ranges.first : nil }

    func matches(_ nanoseconds: Int64) -> Bool {
        for range in ranges where range.contains(nanoseconds) { return true }
        guard let text else { return false }
        var bytes: [UInt8] = []
        Timestamp(nanoseconds: nanoseconds).appendText(to: &bytes)
        return bytes.withUnsafeBytes(text.matches)
    }

    /// Whether it holds for all moments of a range, for none, or (nil) for some.
    func decision(for bounds: ClosedRange<Timestamp>) -> Bool? {
        let (first, last) = (bounds.lowerBound.rawValue, bounds.upperBound.rawValue)
        if ranges.contains(where: { $0.contains(first) && $0.contains(last) }) { return true }
        if text == nil, ranges.allSatisfy({ $0.upperBound < first || $0.lowerBound > last }) { return false }
        return nil
    }
}

/// A test of the values at a path of the payload.
struct PayloadTest: Sendable {
    /// How the path is written in a query.
    let name: String
    let path: PayloadLookup
    let predicate: ValuePredicate
    let isPresence: Bool
    /// What every payload with a matching value holds, unless characters in it are escaped; nil when nothing is known.
    let required: RequiredTokens?

    func matches(_ root: JSONValue, scratch: inout [UInt8]) -> Bool {
        var isMatch = false
        path.visit(root) { value in
            isMatch = isPresence || matches(scalar: value, scratch: &scratch)
            return !isMatch
        }
        return isMatch
    }

    private func matches(scalar value: JSONValue, scratch: inout [UInt8]) -> Bool {
        if let string = value.string { return predicate.matches(string) }
        scratch.removeAll(keepingCapacity: true)
        guard value.appendScalarText(to: &scratch) else { return false }
        return scratch.withUnsafeBytes(predicate.matches)
    }
}

/// A search in the text of an event: the values of the visible fields, and the payload when it may be seen. Any of its texts
/// suffices.
struct TextTest: Sendable {
    private enum Predicate: Sendable {
        case one(TextPredicate)
        case any(TextSetPredicate)
    }

    private let predicate: Predicate
    let groups: FieldGroupSet
    /// All tokens of one of them are in every record that matches.
    let requiredTokens: [[TextPredicate.RequiredToken]]
    /// One of them stands in every match, folded; nil when nothing is known. See ``RequiredBytes``.
    let required: [[UInt8]]?

    init(_ matches: [TextMatch], groups: FieldGroupSet) {
        self.groups = groups
        let fragments = matches.map(RequiredBytes.fragment)
        required = fragments.contains(nil) ? nil : fragments.compactMap(\.self)
        if matches.count == 1 {
            let one = TextPredicate(matches[0])
            predicate = .one(one)
            requiredTokens = [one.requiredTokens]
        } else {
            let any = TextSetPredicate(matches)
            predicate = .any(any)
            requiredTokens = any.requiredTokens
        }
    }

    func matches(_ text: UnsafeRawBufferPointer) -> Bool {
        switch predicate {
        case .one(let predicate): predicate.matches(text)
        case .any(let predicate): predicate.matches(text)
        }
    }
}

/// A set of field groups in one byte.
struct FieldGroupSet: Sendable, Equatable {
    private let bits: UInt8

    init(_ groups: Set<FieldGroup>) { bits = groups.reduce(0) { $0 | 1 << $1.rawValue } }

    static let all = FieldGroupSet(Set(FieldGroup.allCases))

    var set: Set<FieldGroup> { Set(FieldGroup.allCases.filter(contains)) }

    func contains(_ group: FieldGroup) -> Bool { bits & (1 << group.rawValue) != 0 }
}
