import EventModel
import QueryLanguage

/// Turns the selections of a rule's `detection` into expressions.
struct SelectionReader {
    /// Values of `%name%` for the modifier `expand`.
    let variables: [String: [String]]
    /// Gives a rule's field name the spellings of its log source.
    let naming: FieldNaming
    let limits: RuleLimits
    /// Whether it reads a condition on elements of an array: names are looked for in the element, and a value without a name
    /// is the element itself.
    private var isElement = false

    init(variables: [String: [String]], naming: FieldNaming, limits: RuleLimits) {
        self.variables = variables
        self.naming = naming
        self.limits = limits
    }

    /// A map means all of its fields, a list any of its members; a scalar is searched everywhere.
    /// - Throws: ``DetectionError`` with the line.
    func read(_ node: RuleNode, selection: String) throws -> RuleExpression {
        do {
            return try expression(of: node, selection: selection)
        } catch let error as DetectionError {
            throw error.line == nil ? DetectionError(error.code, error.reason, line: node.line) : error
        }
    }

    private func expression(of node: RuleNode, selection: String) throws -> RuleExpression {
        switch node.content {
        case .mapping(let pairs):
            guard !pairs.isEmpty else { throw DetectionError(.invalidRule, "the selection `\(selection)` is empty") }
            return .all(of: try pairs.map(item))
        case .sequence(let members):
            guard !members.isEmpty else { throw DetectionError(.invalidRule, "the selection `\(selection)` is empty") }
            return .any(
                of: try members.map { member in
                    guard member.sequence == nil else {
                        throw DetectionError(
                            .invalidRule, "the selection `\(selection)` has a list inside a list", line: member.line)
                    }
                    return try read(member, selection: selection)
                })
        case .scalar(.null): throw DetectionError(.invalidRule, "the selection `\(selection)` is empty")
        case .scalar: return try item(key: "", value: node)
        }
    }

    /// One `field|modifiers: values`.
    private func item(key: String, value: RuleNode) throws -> RuleExpression {
        do {
            let words = key.split(separator: "|", omittingEmptySubsequences: false)
            guard key.utf8.count(where: { $0 == UInt8(ascii: ".") }) < PayloadPath.maximumParts else {
                throw DetectionError(.invalidRule, "a field name has more than \(PayloadPath.maximumParts) parts")
            }
            let modifiers = try FieldModifiers(Array(words.dropFirst()))
            let field = words.first.map(String.init) ?? ""
            if let quantified = try elements(field, key, words.dropFirst(), value) { return quantified }
            let nameless: PredicateTarget = isElement ? .element : .anywhere
            let target: PredicateTarget =
                field.isEmpty ? nameless : .field(isElement ? FieldName(field) : naming.name(field))
            let values = value.sequence ?? [value]
            guard !values.isEmpty else { throw DetectionError(.invalidRule, "`\(key)` has an empty list of values") }
            if modifiers.kind == .exists, values.count > 1 {
                throw DetectionError(.invalidRule, "`exists` takes one boolean")
            }
            let alternatives = try values.map { try test(of: $0, target: target, modifiers: modifiers) }
            let joined: RuleExpression = modifiers.requiresAll ? .all(of: alternatives) : .any(of: alternatives)
            return modifiers.isNegated ? .not(joined) : joined
        } catch let error as DetectionError {
            throw error.line == nil ? DetectionError(error.code, error.reason, line: value.line) : error
        }
    }

    /// `field[any]`, `field[all]` and `field[none]`: conditions on single elements. Nil for an ordinary name.
    private func elements(
        _ field: String, _ key: String, _ modifiers: ArraySlice<Substring>, _ value: RuleNode
    ) throws -> RuleExpression? {
        guard field.hasSuffix("]"), let open = field.lastIndex(of: "["), !isElement || open > field.startIndex,
            let quantifier = ValueTest.Quantifier(rawValue: String(field[field.index(after: open)...].dropLast()))
        else { return nil }
        let name = String(field[..<open])
        guard !name.isEmpty else { throw DetectionError(.invalidRule, "`\(key)` names no field before the bracket") }
        var inner = self
        inner.isElement = true
        let condition: RuleExpression
        if value.mapping != nil {
            guard modifiers.isEmpty else {
                throw DetectionError(
                    .invalidRule, "`\(key)` has modifiers and a mapping; they belong to the names inside")
            }
            condition = try inner.read(value, selection: key)
        } else {
            condition = try inner.item(key: modifiers.map { "|" + $0 }.joined(), value: value)
        }
        return .predicate(Predicate(target: .field(naming.name(name)), test: .elements(quantifier, condition)))
    }

    private func test(
        of node: RuleNode, target: PredicateTarget, modifiers: FieldModifiers
    ) throws -> RuleExpression {
        guard case .scalar(let scalar) = node.content else {
            throw DetectionError(.invalidRule, "a value must be text, a number, a boolean or null", line: node.line)
        }
        func predicate(_ test: ValueTest) -> RuleExpression { .predicate(Predicate(target: target, test: test)) }
        switch modifiers.kind {
        case .exists:
            guard case .boolean(let isPresent) = scalar else {
                throw DetectionError(.invalidRule, "exists needs a boolean")
            }
            guard target != .anywhere else { throw DetectionError(.invalidRule, "exists needs a field") }
            return isPresent ? predicate(.exists) : .not(predicate(.exists))
        case .pattern:
            let tests = try ValueReader(variables: variables, limits: limits)
                .tests(of: scalar, modifiers: modifiers, isKeyword: target == .anywhere)
            return .any(of: tests.map(predicate))
        case .regex(let options):
            guard let text = scalar.text else { throw DetectionError(.invalidRule, "re needs text") }
            do {
                return predicate(.regex(try LinearRegex(text, options: options)))
            } catch {
                throw DetectionError(.invalidRule, "invalid regular expression: \(error.reason)")
            }
        case .network: return predicate(try Self.network(scalar))
        case .number(let comparison):
            let number = try Self.number(scalar, for: comparison.rawValue)
            return predicate(number.test(comparison))
        case .timePart(let part, let comparison):
            guard case .integer(let value) = try Self.number(scalar, for: part.rawValue) else {
                throw DetectionError(.invalidRule, "the time part `\(part.rawValue)` needs a whole number")
            }
            return predicate(.timePart(part, comparison, value))
        case .reference(let overlap):
            guard case .string(let name) = scalar, !name.isEmpty, !SigmaPattern(parsing: name).hasWildcards else {
                throw DetectionError(.invalidRule, "fieldref needs a field's name without a wildcard")
            }
            guard target != .anywhere else { throw DetectionError(.invalidRule, "fieldref needs a field") }
            return predicate(.reference(naming.name(name), overlap, isCased: modifiers.isCased))
        }
    }

    private static func number(_ scalar: CoreScalar, for modifier: String) throws -> RuleNumber {
        guard case .number(let number) = scalar else {
            throw DetectionError(.invalidRule, "the modifier `\(modifier)` needs a number")
        }
        return number
    }

    private static func network(_ scalar: CoreScalar) throws -> ValueTest {
        guard case .string(let text) = scalar, let range = AddressRange(cidr: text),
            let slash = text.lastIndex(of: "/"),
            let address = IPAddress(parsing: String(text[..<slash]))
        else { throw DetectionError(.invalidRule, "cidr needs a network such as 10.0.0.0/8") }
        guard address == range.lower else {
            throw DetectionError(.invalidRule, "the network \(text) has host bits set")
        }
        return .network(range, isV4: !text.utf8.contains(UInt8(ascii: ":")))
    }
}

extension RuleNumber {
    func test(_ comparison: ValueTest.Comparison) -> ValueTest {
        switch self {
        case .integer(let value): .number(comparison, Double(value), integer: value)
        case .real(let value): .number(comparison, value, integer: nil)
        }
    }
}
