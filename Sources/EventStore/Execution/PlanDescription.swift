import EventModel
import QueryLanguage

/// Says what decides a search, in the order in which it is asked: what `--explain` shows before the steps that were taken.
enum PlanDescription {
    static func lines(_ plan: QueryPlan) -> [String] {
        var lines: [String] = []
        if plan.defaultWindow != nil {
            lines.append("plan      window: bounds of segments and rows, then columns time and received")
        }
        lines.append("plan      scope: " + reader(plan))
        lines.append("plan      query: " + text(plan.queryFilter))
        for step in plan.steps { lines.append("plan      then: " + text(step)) }
        switch plan.outcome {
        case .events: break
        case .table(let fields): lines.append("plan      then: table of " + names(fields))
        case .groups(let stage): lines.append("plan      then: " + text(stage))
        }
        if !plan.tableStages.isEmpty {
            lines.append("plan      then: on the table, " + plan.tableStages.map(\.canonical).joined(separator: " | "))
        }
        return lines
    }

    /// What limits the search beside the query: the time asked for, what the reader may find and see, and that Custody's own
    /// events are left out. Conditions of every step, not a look at what was found.
    private static func reader(_ plan: QueryPlan) -> String {
        let scope: String
        if case .constant(true) = plan.scope { scope = "every event" } else { scope = text(plan.scope) }
        let hidden = FieldGroup.allCases.filter { !plan.groups.contains($0) }
        guard !hidden.isEmpty else { return scope + "; all fields" }
        return scope + "; without the fields of " + hidden.map(\.name).joined(separator: ", ")
    }

    private static func text(_ filter: CompiledFilter) -> String {
        switch filter {
        case .constant(let value): value ? "every event" : "no event"
        case .and(let members): members.map(part).joined(separator: " and ")
        case .or(let members): members.map(part).joined(separator: " or ")
        case .not(let member): "not " + part(member)
        case .field(let test):
            (test.isColumnar ? "column " : "index of tokens, then records: ")
                + test.fields.map(\.path).joined(separator: ", ")
        case .time(let test): "bounds of segments and rows, then column \(test.field.path)"
        case .index: "leaf numbers"
        case .payload(let test): "index of payload paths: " + test.name
        case .extension(let key, _): "index of tokens, then records: ext.\(key)"
        case .text: "index of tokens, then records: any field"
        }
    }

    private static func part(_ filter: CompiledFilter) -> String {
        switch filter {
        case .and, .or: "(" + text(filter) + ")"
        default: text(filter)
        }
    }

    private static func text(_ step: QueryPlan.EventStep) -> String {
        switch step {
        case .sort(let keys): "sort by " + names(keys.map(\.field))
        case .limit(let count): "the first \(count)"
        case .deduplicate(let field): "the first of each " + field.canonical
        case .filter(let filter): text(filter)
        }
    }

    private static func text(_ stage: GroupStage) -> String {
        let plan = stage.plan(span: 1)
        let keys = plan.keys.map { item in
            switch item {
            case .value(let reference): reference.canonical
            case .bucket: "span of time"
            }
        }
        let isCounted =
            keys.count <= 1 && plan.aggregates.allSatisfy { $0.function == .count || $0.function == .dcount }
        return (keys.isEmpty ? "one group" : "groups by " + keys.joined(separator: ", "))
            + (isCounted ? ", counted from columns where they have all values" : ", row by row")
    }

    private static func names(_ fields: [FieldReference]) -> String {
        fields.map(\.canonical).joined(separator: ", ")
    }
}
