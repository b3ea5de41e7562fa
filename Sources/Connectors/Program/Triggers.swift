/// Which slots an operation needs: it can be skipped when none of them has a value. Nil means that it may have a value
/// whatever the payload holds.
extension Operation {
    var triggers: [Int]? {
        var triggers: [Int] = []
        for alternative in alternatives {
            guard let needed = alternative.triggers else { return nil }
            triggers += needed
        }
        return triggers
    }
}

extension ListOperation {
    /// Slots of the event, not of its elements.
    var triggers: [Int]? {
        if let each { return [each] }
        if let needed = condition?.triggers { return needed }
        var triggers: [Int] = []
        for operation in operations {
            guard let needed = operation.triggers else { return nil }
            triggers += needed
        }
        return triggers
    }
}

extension Alternative {
    /// A value needs both a term that has a text and a condition that holds, so either's slots will do.
    fileprivate var triggers: [Int]? {
        var triggers: [Int] = []
        for term in terms {
            guard let needed = term.triggers else { return condition?.triggers }
            triggers += needed
        }
        return triggers
    }
}

extension Term {
    fileprivate var triggers: [Int]? {
        switch self {
        case .slot(let number): return [number]
        case .constant, .header, .eventType, .action, .variable: return nil
        case .template(let pieces):
            for piece in pieces where !piece.isOptional {
                let needed = piece.terms.map(\.triggers)
                if needed.allSatisfy({ $0 != nil }) { return needed.flatMap { $0 ?? [] } }
            }
            return nil
        }
    }
}

extension Condition {
    fileprivate var triggers: [Int]? {
        switch self {
        case .has(let term), .equals(let term, _), .beginsWith(let term, _), .matches(let term, _):
            return term.triggers
        case .not: return nil
        case .all(let conditions):
            for condition in conditions {
                if let needed = condition.triggers { return needed }
            }
            return nil
        case .any(let conditions):
            var triggers: [Int] = []
            for condition in conditions {
                guard let needed = condition.triggers else { return nil }
                triggers += needed
            }
            return triggers
        }
    }
}
