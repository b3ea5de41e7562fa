/// A Sigma filter: a condition that is added to other rules (specification: sigma-filters-specification).
///
/// Its condition is joined to the rule's by AND as it is written: to leave events out it says `not selection`.
struct RuleFilter: Sendable {
    enum Scope: Sendable {
        case any
        /// Ids or names.
        case rules([String])
    }

    let title: String
    let source: LogSource
    let scope: Scope
    let expression: RuleExpression
    let file: String
    let line: Int

    func applies(to rule: SigmaRule) -> Bool {
        guard source.covers(rule.logSource) else { return false }
        switch scope {
        case .any: return true
        case .rules(let names):
            return names.contains { $0.lowercased() == rule.id || (rule.name != nil && $0 == rule.name) }
        }
    }

    /// A filter that negates nothing keeps only what it describes, which is seldom meant.
    var hasNegation: Bool {
        func negates(_ expression: RuleExpression) -> Bool {
            switch expression {
            case .predicate: false
            case .not: true
            case .all(let members), .any(let members): members.contains(where: negates)
            }
        }
        return negates(expression)
    }
}
