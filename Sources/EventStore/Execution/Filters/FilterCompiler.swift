import EventModel
import QueryLanguage

/// Turns a ``Filter`` over events into a ``CompiledFilter``. Fields of groups that are not visible behave as absent.
struct FilterCompiler {
    let groups: FieldGroupSet

    func compile(_ filter: Filter) -> CompiledFilter {
        switch filter {
        case .all: .constant(true)
        case .and(let members): conjunction(members)
        case .or(let members): disjunction(members)
        case .not(let member): .negation(compile(member))
        case .field(let reference, let match): compile(reference, match)
        case .text(let match): .text(TextTest([match], groups: groups))
        }
    }

    /// Texts of which none may be found are looked for together.
    private func conjunction(_ members: [Filter]) -> CompiledFilter {
        let (excluded, rest) = Self.parted(members) { member in
            guard case .not(.text(let match)) = member else { return nil }
            return match
        }
        guard !excluded.isEmpty else { return .conjunction(members.map(compile)) }
        return .conjunction(rest.map(compile) + [.negation(.text(TextTest(excluded, groups: groups)))])
    }

    /// Texts of which one has to be found are looked for together.
    private func disjunction(_ members: [Filter]) -> CompiledFilter {
        let (sought, rest) = Self.parted(members) { member in
            guard case .text(let match) = member else { return nil }
            return match
        }
        guard !sought.isEmpty else { return .disjunction(members.map(compile)) }
        return .disjunction(rest.map(compile) + [.text(TextTest(sought, groups: groups))])
    }

    /// More texts than this are sooner looked for in one pass over a value than one after the other.
    private static let separateTexts = 4

    /// Texts that are worth one pass over the values for all of them, and the other members; no text and all members where each
    /// is found as soon by itself.
    private static func parted(
        _ members: [Filter], _ text: (Filter) -> TextMatch?
    ) -> (texts: [TextMatch], rest: [Filter]) {
        let texts = members.compactMap(text)
        guard texts.count > separateTexts else { return ([], members) }
        return (texts, members.filter { text($0) == nil })
    }

    private func compile(_ reference: FieldReference, _ match: ValueMatch) -> CompiledFilter {
        switch reference {
        case .field(let field): return compile([field], match)
        case .alias(.source):
            let kinds = FieldValueTest(match, kind: Self.kindTest(match))
            return .disjunction([compile([.sourceName], match), fieldTest([.sourceKind], kinds)])
        case .alias(let alias): return compile(alias.searched, match)
        case .leafIndex: return .index(IndexTest(match))
        case .raw(let path):
            guard groups.contains(.raw) else { return .constant(false) }
            return .payload(
                PayloadTest(
                    name: reference.canonical, path: PayloadLookup(path), predicate: ValuePredicate(match),
                    isPresence: match == .present,
                    required: RequiredTokens(match, inPayload: true)))
        case .ext(let key):
            guard groups.contains(.text) else { return .constant(false) }
            return .extension(key: key, ValuePredicate(match))
        // The parser makes columns only after a stage that makes a table.
        case .column: return .constant(false)
        }
    }

    private func compile(_ fields: [Field], _ match: ValueMatch) -> CompiledFilter {
        if let field = fields.first, field.type == .time {
            guard groups.contains(field.group) else { return .constant(false) }
            return .time(Self.timeTest(field, match))
        }
        let digests = fields.filter { $0 == .artifactDigest }
        let others = fields.filter { $0 != .artifactDigest }
        return .disjunction([
            fieldTest(digests, FieldValueTest(match, kind: .digest)), fieldTest(others, FieldValueTest(match)),
        ])
    }

    private func fieldTest(_ fields: [Field], _ test: FieldValueTest) -> CompiledFilter {
        let visible = fields.filter { groups.contains($0.group) }
        return visible.isEmpty ? .constant(false) : .field(FieldTest(fields: visible, value: test))
    }

    private static func kindTest(_ match: ValueMatch) -> FieldValueTest.Kind {
        switch match {
        case .equals(let text): .kind([CaseFolding.folded(text + "-")])
        case .oneOf(let members):
            .kind(
                members.compactMap { member in
                    guard case .equals(let text) = member else { return nil }
                    return CaseFolding.folded(text + "-")
                })
        default: .plain
        }
    }

    static func timeTest(_ field: Field, _ match: ValueMatch) -> TimeTest {
        switch match {
        case .present: return TimeTest(field: field, ranges: [.min ... .max], text: nil)
        case .oneOf(let members):
            let tests = members.map { timeTest(field, $0) }
            // Comparisons inside become ranges; the text of the whole list serves the other members.
            let needsText = tests.contains { $0.text != nil }
            return TimeTest(
                field: field, ranges: tests.flatMap(\.ranges), text: needsText ? ValuePredicate(match) : nil)
        default:
            guard let interval = match.timeInterval else {
                return TimeTest(field: field, ranges: [], text: ValuePredicate(match))
            }
            return timeTest(field, interval)
        }
    }

    static func timeTest(_ field: Field, _ interval: TimeInterval) -> TimeTest {
        let lower = interval.lower?.rawValue ?? .min
        let upper = interval.upper?.rawValue ?? .max
        guard let upper = interval.upper == nil ? .max : upper > lower ? upper - 1 : nil else {
            return TimeTest(field: field, ranges: [], text: nil)
        }
        return TimeTest(field: field, ranges: [lower...upper], text: nil)
    }
}
