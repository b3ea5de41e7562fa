import EventModel
import QueryLanguage

/// Cuts an answer into pages: what is in this one, and where the next begins.
struct ResultPages {
    let executor: QueryExecutor
    let place: SearchCursor
    /// Rows of this page.
    let page: Int
    private(set) var next: SearchCursor?

    init(executor: QueryExecutor, place: SearchCursor, page: Int) {
        self.executor = executor
        self.place = place
        self.page = page
    }

    private var plan: QueryPlan { executor.plan }

    mutating func result(canonical: String) async throws -> QueryResult {
        var result = QueryResult(kind: plan.kind, canonical: canonical)
        result.columns = plan.shape.columns ?? []
        let outcome: QueryExecutor.Outcome
        switch plan.outcome {
        case .events:
            outcome = try await events()
            if case .events(let rows) = outcome.answer { result.events = try executor.hits(cut(rows)) }
        case .table(let fields) where plan.tableStages.isEmpty:
            outcome = try await events()
            if case .events(let rows) = outcome.answer { result.rows = try executor.cells(of: cut(rows), fields) }
        case .table, .groups:
            outcome = try await executor.table()
            if case .table(let table, let span) = outcome.answer {
                result.rows = cut(table)
                result.span = span
            }
        }
        result.statistics.matched = outcome.matched
        result.statistics.exact = outcome.isExact
        if let window = plan.defaultWindow {
            result.defaultedWindow = .init(since: window.lowerBound, until: window.upperBound)
            if outcome.matched == 0, place.consumed == 0 { try await countOutside(&result) }
        }
        return result
    }

    private func events() async throws -> QueryExecutor.Outcome {
        var after: (time: Int64, index: UInt64)?
        if case .event(let time, let index) = place.position { after = (time, index) }
        return try await executor.events(page: page, after: after, consumed: place.consumed)
    }

    private mutating func cut(_ rows: [RowReference]) -> [RowReference] {
        guard rows.count > page, page > 0 else { return rows }
        let last = rows[page - 1]
        next = place.moved(by: page, to: .event(time: last.time, index: last.index))
        return Array(rows[..<page])
    }

    private mutating func cut(_ table: ResultTable) -> [[QueryValue]] {
        let rest = table.rows.dropFirst(place.consumed)
        if rest.count > page { next = place.moved(by: page, to: .row) }
        return Array(rest.prefix(page))
    }

    private func countOutside(_ result: inout QueryResult) async throws {
        let limit = executor.work.limits.outsideHits
        let collection = EventCollection(
            work: executor.work, order: TimeOrder(isOldestFirst: false), capacity: limit + 1, after: nil)
        do {
            let found = try await collection.collect(plan.filterWithoutWindow)
            result.defaultedWindow?.hitsOutside = found.matched
            result.defaultedWindow?.hasMoreOutside = !found.isExact
        } catch let error as EventStoreError where error.code == .queryTimedOut {
            // The answer itself is complete: there is nothing inside. How much is outside stays unsaid.
        }
    }
}

extension SearchCursor {
    func moved(by rows: Int, to position: Position) -> SearchCursor {
        SearchCursor(now: now, end: end, consumed: consumed + rows, position: position)
    }
}

extension QueryPlan {
    var kind: QueryResult.Kind {
        switch shape {
        case .events: .events
        case .table: .table
        case .series: .series
        }
    }
}
