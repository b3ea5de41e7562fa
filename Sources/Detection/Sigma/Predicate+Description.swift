import EventModel
import QueryLanguage

// What a predicate says, in words for an alert's explanation.

extension Predicate: CustomStringConvertible {
    package var description: String {
        if case .query = test { return "the event \(test)" }
        return "\(target) \(test)"
    }
}

extension PredicateTarget: CustomStringConvertible {
    package var description: String {
        switch self {
        case .field(let name): name.written
        case .anywhere: "any value"
        case .element: "the element"
        }
    }
}

extension ValueTest: CustomStringConvertible {
    package var description: String {
        switch self {
        case .pattern(let pattern, let isCased): Self.describe(pattern) + (isCased ? " (case heeded)" : "")
        case .isNull: "is null or missing"
        case .exists: "is present"
        case .regex(let regex): "matches /\(regex.pattern)/"
        case .network(let range, _): "is in \(range.text)"
        case .number(let comparison, let value, let integer):
            "\(comparison.sign) \(integer.map(String.init) ?? String(value))"
        case .timePart(let part, let comparison, let value): "\(part.rawValue) \(comparison.sign) \(value)"
        case .query(let query): "meets the query \(query.text)"
        case .elements(let quantifier, _):
            switch quantifier {
            case .any: "has an element that meets the condition"
            case .all: "has elements, and each meets the condition"
            case .none: "has no element that meets the condition"
            }
        case .reference(let name, let overlap, _):
            "\(overlap == .whole ? "equals" : overlap.rawValue) the value of \(name.written)"
        }
    }

    private static func describe(_ pattern: SigmaPattern) -> String {
        if pattern.literal != nil { return "is \"\(pattern.text)\"" }
        let inner = pattern.parts.filter { $0 != .any }
        if inner.count == 1, case .literal(let bytes) = inner[0] {
            let text = String(decoding: bytes, as: UTF8.self)
            switch (pattern.parts.first == .any, pattern.parts.last == .any) {
            case (true, true): return "contains \"\(text)\""
            case (true, false): return "ends with \"\(text)\""
            case (false, true): return "starts with \"\(text)\""
            case (false, false): break
            }
        }
        return "is like \"\(pattern.text)\""
    }
}

extension ValueTest.Comparison {
    fileprivate var sign: String {
        switch self {
        case .lt: "<"
        case .lte: "<="
        case .gt: ">"
        case .gte: ">="
        case .equal: "="
        }
    }
}
