import EventModel
import QueryLanguage

/// A search taken apart: which events, in which order, what is done to the events, and what to the table made of them.
struct QueryPlan: Sendable {
    /// A stage that works on events in an order.
    enum EventStep: Sendable {
        case sort([SortKey])
        case limit(Int)
        case deduplicate(FieldReference)
        case filter(CompiledFilter)
    }

    enum Outcome: Sendable {
        case events
        case table([FieldReference])
        case groups(GroupStage)
    }

    /// The events that the reader may find and that the query is about.
    private(set) var filter: CompiledFilter
    /// The same without the default window.
    let filterWithoutWindow: CompiledFilter
    /// The part of it that says which events the reader may find, and the part that the query says.
    let scope: CompiledFilter
    let queryFilter: CompiledFilter
    /// The window that stands in because the query names no time.
    let defaultWindow: ClosedRange<Timestamp>?
    private(set) var order: TimeOrder
    private(set) var steps: [EventStep] = []
    private(set) var outcome = Outcome.events
    /// What the JSON of events leaves out.
    private(set) var removedFields: Set<Field> = []
    /// The stages after the outcome.
    private(set) var tableStages: [Stage] = []
    let shape: QueryShape
    /// The time that the query names, as far as it bounds its hits.
    let window: TimeInterval
    /// What the columns of the outcome are.
    private(set) var outcomeColumns: [QueryColumn] = []
    let groups: FieldGroupSet

    /// How long back the default window reaches (contract, "Queries").
    static let defaultWindowNanoseconds: Int64 = 24 * 3_600 * 1_000_000_000

    init(_ request: SearchRequest, order: SearchOptions.Order, now: Timestamp) {
        groups = FieldGroupSet(request.visibleGroups)
        let compiler = FilterCompiler(groups: groups)
        self.order = TimeOrder(isOldestFirst: order == .oldestFirst)
        shape = request.query.stages.reduce(.events) { $0.applying($1) }

        // Conditions before any cut are conditions of the search.
        var conditions = [request.query.filter]
        var rest = request.query.stages[...]
        var sorts: [SortKey] = []
        leading: while let stage = rest.first {
            switch stage {
            case .filter(let filter): conditions.append(filter)
            // A later sort is the stronger one; equal rows keep the order they had.
            case .sort(let keys): sorts = keys + sorts
            default: break leading
            }
            rest.removeFirst()
        }
        let condition = Filter.conjunction(conditions)
        scope = request.scope
        queryFilter = compiler.compile(condition)
        filterWithoutWindow = .conjunction([scope, queryFilter])
        let namesTime =
            request.since != nil || request.until != nil
            || condition.mentions { $0 == .field(.time) || $0 == .field(.received) }
        let named = request.query.timeBounds.time.intersection(TimeInterval(from: request.since, to: request.until))
        defaultWindow =
            namesTime ? nil : now.advanced(byNanoseconds: -Self.defaultWindowNanoseconds)...now
        window = defaultWindow.map { TimeInterval(from: $0.lowerBound, to: $0.upperBound) } ?? named
        let windowFilter = defaultWindow.map(Self.windowFilter) ?? .constant(true)
        filter = .conjunction([windowFilter, filterWithoutWindow])
        plan(sorts: sorts, rest, compiler)
    }

    /// Event or receive time within the window.
    private static func windowFilter(_ window: ClosedRange<Timestamp>) -> CompiledFilter {
        let range = window.lowerBound.rawValue...window.upperBound.rawValue
        return .or([
            .time(TimeTest(field: .time, ranges: [range], text: nil)),
            .time(TimeTest(field: .received, ranges: [range], text: nil)),
        ])
    }

    private mutating func plan(sorts: [SortKey], _ stages: ArraySlice<Stage>, _ compiler: FilterCompiler) {
        if let first = sorts.first, first.field == .field(.time) {
            // Time and leaf index decide alone; what would follow changes nothing but ties of both.
            order = TimeOrder(isOldestFirst: !first.isDescending)
        } else if !sorts.isEmpty {
            steps.append(.sort(sorts))
        }
        var shape = QueryShape.events
        var rest = stages
        while let stage = rest.first, case .events = shape {
            rest.removeFirst()
            shape = shape.applying(stage)
            switch stage {
            case .filter(let filter): steps.append(.filter(compiler.compile(filter)))
            case .sort(let keys): steps.append(.sort(keys))
            case .limit(let count): steps.append(.limit(count))
            case .dedup(let field): steps.append(.deduplicate(field))
            case .removeFields(let fields): removedFields.formUnion(fields.flatMap(\.removed))
            case .keepFields(let fields): outcome = .table(fields)
            case .stats, .timechart, .top, .rare: outcome = GroupStage(stage).map(Outcome.groups) ?? outcome
            }
        }
        outcomeColumns = shape.columns ?? []
        // Cutting a table of events right away is cutting the events.
        if case .table = outcome {
            while case .limit(let count)? = rest.first {
                steps.append(.limit(count))
                rest.removeFirst()
            }
        }
        tableStages = Array(rest)
        // Groups do not heed an order that cuts nothing.
        if case .groups = outcome, steps.allSatisfy({ if case .sort = $0 { true } else { false } }) { steps = [] }
    }
}

extension FieldReference {
    /// The canonical fields that `fields -NAME` takes out of an event.
    fileprivate var removed: [Field] {
        switch self {
        case .field(let field): [field]
        case .alias(let alias): alias.searched + alias.output
        case .leafIndex, .raw, .ext, .column: []
        }
    }
}
