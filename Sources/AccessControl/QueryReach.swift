import EventModel
import QueryLanguage

/// What a query touches, as far as access is concerned: the field classes that it names, and whether it asks for Custody's
/// own audit events.
struct QueryReach {
    private(set) var groups: Set<FieldGroup> = []
    /// Whether `source:custody` or `source:*` stands anywhere without a negation above it (contract, "Queries").
    private(set) var namesOwnAudit = false

    init(_ query: Query) {
        visit(query.filter, isNegated: false)
        for stage in query.stages { visit(stage) }
    }

    private mutating func visit(_ filter: Filter, isNegated: Bool) {
        switch filter {
        case .all, .text: break
        case .and(let members), .or(let members):
            for member in members { visit(member, isNegated: isNegated) }
        case .not(let member): visit(member, isNegated: true)
        case .field(let reference, let match):
            visit(reference)
            if !isNegated, Self.isSource(reference), Self.namesOwnAudit(match) { namesOwnAudit = true }
        }
    }

    private mutating func visit(_ stage: Stage) {
        switch stage {
        case .filter(let filter): visit(filter, isNegated: false)
        case .stats(let aggregates, let by): visit(aggregates.compactMap(\.argument) + by)
        case .timechart(let chart):
            // The buckets are of `time`, which is in the class that everybody sees.
            visit([chart.aggregate.argument, chart.by].compactMap(\.self))
        case .top(_, let fields), .keepFields(let fields): visit(fields)
        case .rare(_, let field), .dedup(let field): visit(field)
        case .sort(let keys): visit(keys.map(\.field))
        // Leaving out what one cannot see tells nothing.
        case .limit, .removeFields: break
        }
    }

    private mutating func visit(_ references: [FieldReference]) {
        for reference in references { visit(reference) }
    }

    private mutating func visit(_ reference: FieldReference) {
        switch reference {
        case .field(let field): groups.insert(field.group)
        case .alias(let alias): groups.formUnion(alias.searched.map(\.group) + alias.output.map(\.group))
        case .leafIndex: groups.insert(.envelope)
        case .raw: groups.insert(.raw)
        case .ext: groups.insert(.text)
        // A column of a table is made of fields that were named, and checked, where the table was made.
        case .column: break
        }
    }

    private static func isSource(_ reference: FieldReference) -> Bool {
        switch reference {
        case .alias(.source), .field(.sourceName), .field(.sourceKind): true
        default: false
        }
    }

    private static func namesOwnAudit(_ match: ValueMatch) -> Bool {
        switch match {
        case .present: true
        case .equals(let value): value.lowercased() == OwnAudit.source
        case .exact(let value): value == OwnAudit.source
        case .oneOf(let members): members.contains(where: namesOwnAudit)
        default: false
        }
    }
}
