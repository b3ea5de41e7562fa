package import EventModel
package import QueryLanguage

/// What a rule's field name stands for at run time.
///
/// The name is looked for in the payload first (the literal dotted key, then nested), under each of its spellings in
/// order, and only then among the canonical fields of the event. `custody.NAME` names the canonical field alone.
package struct FieldName: Hashable, Sendable {
    /// As the rule writes it.
    package let written: String
    /// Names to look for in the payload: the written one and those that the log source's mapping adds.
    package let spellings: [String]
    /// Whether keys are compared without regard to case: for log sources whose own spelling is inconsistent.
    package let ignoresCase: Bool
    /// The canonical field that it is looked for in, where that has another name.
    package let canonical: String?

    package init(
        _ written: String, spellings: [String]? = nil, ignoresCase: Bool = false, canonical: String? = nil
    ) {
        self.written = written
        self.canonical = canonical
        self.spellings = spellings ?? [written]
        self.ignoresCase = ignoresCase
    }
}

/// Where a predicate looks for its value.
package enum PredicateTarget: Hashable, Sendable {
    case field(FieldName)
    /// Every scalar of the payload (or, without a payload, every canonical field).
    case anywhere
    /// The element of an array that a condition of `field[any]` and its like is asked of.
    case element
}

/// What a predicate asks of a value.
package enum ValueTest: Hashable, Sendable {
    package enum Comparison: String, Hashable, Sendable { case lt, lte, gt, gte, equal }
    package enum Overlap: String, Hashable, Sendable { case whole, contains, startswith, endswith }
    package enum TimePart: String, Hashable, Sendable { case minute, hour, day, week, month, year }

    case pattern(SigmaPattern, isCased: Bool)
    /// Null, an array without members, or no such field.
    case isNull
    /// The field is there, whatever it holds.
    case exists
    case regex(LinearRegex)
    /// An address inside a network of the same family.
    case network(AddressRange, isV4: Bool)
    case number(Comparison, Double, integer: Int64?)
    case timePart(TimePart, Comparison, Int64)
    /// The value of another field of the same event, never as a pattern.
    case reference(FieldName, Overlap, isCased: Bool)
    /// A condition on single elements of an array: Custody's extension `field[any]`, `field[all]`, `field[none]`.
    case elements(Quantifier, RuleExpression)
    /// A query of the search box, asked of the whole event.
    case query(QueryCondition)

    package enum Quantifier: String, CaseIterable, Hashable, Sendable {
        /// At least one element meets the condition.
        case any
        /// There are elements, and each meets it.
        case all
        /// No element meets it.
        case none
    }
}

/// The smallest question that a rule asks of an event. Equal predicates of different rules are answered once an event.
package struct Predicate: Hashable, Sendable {
    package let target: PredicateTarget
    package let test: ValueTest
}

/// A rule's condition with its selections put in place.
package indirect enum RuleExpression: Hashable, Sendable {
    case predicate(Predicate)
    case all([RuleExpression])
    case any([RuleExpression])
    case not(RuleExpression)

    /// Joins without nesting lists of the same kind, and without a list around a single member.
    static func all(of members: [RuleExpression]) -> RuleExpression {
        let flat = members.flatMap { member -> [RuleExpression] in
            if case .all(let inner) = member { inner } else { [member] }
        }
        return flat.count == 1 ? flat[0] : .all(flat)
    }

    static func any(of members: [RuleExpression]) -> RuleExpression {
        let flat = members.flatMap { member -> [RuleExpression] in
            if case .any(let inner) = member { inner } else { [member] }
        }
        return flat.count == 1 ? flat[0] : .any(flat)
    }
}
