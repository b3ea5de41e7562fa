/// What a correlation asks of a window (specification: sigma-correlation-rules, "Correlation Condition").
enum CorrelationCondition: Hashable, Sendable {
    /// Comparisons with the window's number, all of which must hold.
    case metric([Bound])
    /// An expression over the rules that the window has matches of (pySigma's extended conditions).
    case inputs(InputCondition)

    struct Bound: Hashable, Sendable {
        enum Comparison: String, CaseIterable, Sendable { case gt, gte, lt, lte, eq, neq }

        let comparison: Comparison
        let value: Double

        func holds(_ metric: Double) -> Bool {
            switch comparison {
            case .gt: metric > value
            case .gte: metric >= value
            case .lt: metric < value
            case .lte: metric <= value
            case .eq: metric == value
            case .neq: metric != value
            }
        }
    }

    func holds(metric: Double) -> Bool {
        guard case .metric(let bounds) = self else { return false }
        return bounds.allSatisfy { $0.holds(metric) }
    }

    /// The largest number that the condition speaks of.
    var largestBound: Double {
        guard case .metric(let bounds) = self else { return 0 }
        return bounds.map(\.value).max() ?? 0
    }

    var text: String {
        switch self {
        case .metric(let bounds):
            bounds.map { "\($0.comparison.rawValue) \(RuleNumber($0.value).text)" }.joined(separator: " and ")
        case .inputs(let condition): condition.text
        }
    }
}

/// An expression over inputs, which are known by their places.
indirect enum InputCondition: Hashable, Sendable {
    case input(Int, name: String)
    case all([InputCondition])
    case any([InputCondition])
    case not(InputCondition)

    /// - Parameter present: One bit for each input.
    func holds(_ present: UInt64) -> Bool {
        switch self {
        case .input(let place, _): present & (1 << UInt64(place)) != 0
        case .all(let members): members.allSatisfy { $0.holds(present) }
        case .any(let members): members.contains { $0.holds(present) }
        case .not(let inner): !inner.holds(present)
        }
    }

    var hasNegation: Bool {
        switch self {
        case .input: false
        case .all(let members), .any(let members): members.contains(where: \.hasNegation)
        case .not: true
        }
    }

    var text: String {
        switch self {
        case .input(_, let name): name
        case .all(let members): "(" + members.map(\.text).joined(separator: " and ") + ")"
        case .any(let members): "(" + members.map(\.text).joined(separator: " or ") + ")"
        case .not(let inner): "not " + inner.text
        }
    }
}
