/// A correlation rule as it was read (specification 2.1.0: sigma-correlation-rules).
struct CorrelationDefinition: OperatorDefinition {
    enum Kind: String, CaseIterable, Sendable {
        case eventCount = "event_count"
        case valueCount = "value_count"
        case valueSum = "value_sum"
        case valueAverage = "value_avg"
        case valuePercentile = "value_percentile"
        case valueMedian = "value_median"
        case temporal
        case temporalOrdered = "temporal_ordered"

        var isTemporal: Bool { self == .temporal || self == .temporalOrdered }
        var needsField: Bool { !isTemporal && self != .eventCount }
    }

    /// Rules that one correlation may refer to: one bit each in a window's mask, with room for marks.
    static let maximumInputs = 48
    /// Ordered extended conditions try the subsets of their rules.
    static let maximumOrderedInputs = 10
    /// Distinct values that one window may have to tell apart.
    static let maximumDistinct = 10_000.0
    /// Events that one window may have to count.
    static let maximumCount = 100_000.0

    let kind: Kind
    /// By input: the rule's id or name. None: the one input is the rule's own selection.
    let rules: [String]
    /// Names of the group's values: fields or aliases.
    let groupBy: [String]
    /// Fields whose values are counted or added up.
    let valueFields: [String]
    /// By input: the field of every group value.
    let groupFields: [[String]]
    let timespan: Duration
    /// As the rule writes it.
    let timespanText: String
    let condition: CorrelationCondition
    /// Between 0 and 100.
    let percentile: Double
    /// Whether the rules that it refers to raise alerts of their own.
    let generates: Bool

    var inputs: [OperatorInput] {
        guard !rules.isEmpty else { return [OperatorInput(.itself, fields: (groupFields.first ?? []) + valueFields)] }
        return zip(rules, groupFields).map { OperatorInput(.named($0), fields: $1 + valueFields) }
    }
    var runsAfterCorrelations: Bool { false }
    var raisesInputs: Bool { generates }
    var needsAllInputs: Bool {
        kind.isTemporal && condition.holds(metric: Double(rules.count))
            && !condition.holds(metric: Double(rules.count - 1))
    }

    /// Nanoseconds.
    var span: Int64 { timespan.components.seconds * 1_000_000_000 }

    /// Whether the window's end has to come before the condition can be judged: something must not happen.
    var waitsForAbsence: Bool {
        guard kind == .temporalOrdered, case .inputs(let condition) = condition else { return false }
        return condition.hasNegation
    }

    func makeOperator(limits: StateLimits) -> any StatefulOperator { CorrelationOperator(self, limits: limits) }
}
