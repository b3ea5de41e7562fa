import AccessControl
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import QueryLanguage

/// `/search`: query, histogram, facets, table. It works without scripts; they add completion and keys.
struct SearchPage {
    /// How long the page waits for histogram and facets. With the search itself a page stays below a fifth of a second on
    /// millions of events; what is not counted by then is one click away.
    static let countLimit = Duration.milliseconds(120)

    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/search", use: show)
    }

    @Sendable private func show(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try await state.page(request, context) { principal in
            let ask = SearchAsk(request)
            var page = Page(
                title: ask.text.isEmpty ? "Search" : ask.text, place: .search, template: "search",
                scripts: ["search.js"])
            page.data = frame(ask)
            do {
                try await fill(&page, ask, principal, context)
            } catch let error as QueryError {
                page.data["error"] = QueryErrorText(error, in: ask.text).data(ask)
                page.status = .badRequest
            } catch let error as EventStoreError {
                // What can be put right by another question is said beside the question.
                let problem = ProblemMapper.problem(for: error)
                page.data["failure"] = Page.sentence(problem.detail)
                page.status = problem.status
                page.headers = problem.headers
            } catch let problem as Problem where problem.status == .badRequest {
                page.data["failure"] = Page.sentence(problem.detail)
                page.status = problem.status
            }
            return page
        }
    }

    private func frame(_ ask: SearchAsk) -> PageData {
        .of([
            "q": ask.text, "since": ask.since.isEmpty ? nil : ask.since, "until": ask.until.isEmpty ? nil : ask.until,
            "chips": ask.chips,
            "is_oldest_first": ask.isOldestFirst ? true : nil, "turn": ask.path(oldestFirst: !ask.isOldestFirst),
            "has_own_span": ask.until.isEmpty && SearchAsk.spans.contains { $0.since == ask.since } ? nil : true,
            "tail": PagePath.with("/tail", ["q": ask.text]),
        ])
    }

    private func fill(
        _ page: inout Page, _ ask: SearchAsk, _ principal: Principal, _ context: CustodyRequestContext
    ) async throws {
        let now = state.now()
        let query = try Query(parsing: ask.text, now: now)
        let since = try SearchRoutes.time(ask.since, "since", now)
        let until = try SearchRoutes.time(ask.until, "until", now)
        let authorized = try Authorizer.authorize(query, since: since, until: until, for: principal, now: now)
        try state.audit.record(
            state.auditEntry(
                "search.run", activity: "read", context, resource: ("event", nil), query: query.canonical))
        let options = SearchOptions(
            limit: SearchAsk.pageSize, cursor: ask.cursor.isEmpty ? nil : ask.cursor,
            order: ask.isOldestFirst ? .oldestFirst : .newestFirst)
        let searches = SearchCounts(
            store: state.store, principal: principal, query: query, since: since, until: until, now: now)
        let limit = ask.waitsForCounts ? Duration.seconds(30) : Self.countLimit
        let (result, counts) = try await context.whileConnected { [store = state.store] in
            async let counts = within(limit) { await searches.run() }
            let result = try await store.search(authorized, options)
            return (result, try await counts)
        }
        page.data["canonical"] = query.boxText == ask.text ? nil : query.boxText
        page.data["took"] = Self.milliseconds(result.statistics.tookNanoseconds)
        page.data["matched"] =
            (result.statistics.exact ? "" : "≥ ") + PageNumber.text(result.statistics.matched)
        page.data["is_one"] = result.statistics.exact && result.statistics.matched == 1 ? true : nil
        page.data["scanned"] = Self.bytes(result.statistics.scannedBytes)
        page.data["is_default_span"] = result.defaultedWindow == nil ? nil : true
        page.data["next"] = result.cursor.map { ask.path(after: $0) }
        page.data["is_later_page"] = ask.cursor.isEmpty ? nil : true
        page.data["first"] = ask.path()
        if result.kind == .events {
            page.data["events"] = EventSummary.rows(result.events, now: now)
            page.data["has_events"] = result.events.isEmpty ? nil : true
            if let counts {
                page.data["histogram"] = counts.histogram?.data(ask, now: now)
                page.data["facets"] = counts.facets.map { $0.data(ask, query, now: now) }
                page.data["has_facets"] = counts.facets.isEmpty ? nil : true
            } else {
                page.data["uncounted"] = ask.pathWithAllCounts
            }
            if result.events.isEmpty {
                page.data["nothing"] = try await nothing(query, ask, principal, result, now)
            }
        } else {
            page.data["table"] = SearchTable(result).data
        }
    }

    /// Why there is nothing, and the one thing that helps.
    private func nothing(
        _ query: Query, _ ask: SearchAsk, _ principal: Principal, _ result: QueryResult, _ now: Timestamp
    ) async throws -> PageData {
        if !ask.cursor.isEmpty { return ["is_end": true] }
        guard result.defaultedWindow != nil || !ask.since.isEmpty || !ask.until.isEmpty else {
            return ["is_everywhere": true]
        }
        let searches = SearchCounts(
            store: state.store, principal: principal, query: query, since: nil, until: nil, now: now)
        guard let outside = try await within(Self.countLimit, { try await searches.extent() }) ?? nil else {
            return ["is_everywhere": true]
        }
        let bounds = outside.last.advanced(byNanoseconds: 1_000_000_000)
        return [
            "hits": [
                "text": PageTime.count(Int64(outside.count), "hit"),
                "when": PagePeriod.text(outside.first, outside.last),
                "path": ask.path(since: outside.first.text, until: bounds.text),
            ] as PageData
        ]
    }

    private static func milliseconds(_ nanoseconds: UInt64) -> String {
        let tenths = (nanoseconds + 50_000) / 100_000
        return tenths < 100 ? "\(tenths / 10).\(tenths % 10) ms" : "\(PageNumber.text(tenths / 10)) ms"
    }

    private static func bytes(_ count: Int) -> String {
        let units: [(Int, String)] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
        for (size, name) in units where count >= size { return "\(PageNumber.text(count / size)) \(name)" }
        return "\(count) bytes"
    }
}

/// A period in a person's words.
enum PagePeriod {
    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]

    /// `on 3 March 2026`, `in March 2026`, `between 3 March 2026 and 1 May 2026`.
    static func text(_ first: Timestamp, _ last: Timestamp) -> String {
        let (one, other) = (Timestamp.civilDate(ofDay: Int64(first.day)), Timestamp.civilDate(ofDay: Int64(last.day)))
        func day(_ date: (year: Int, month: Int, day: Int)) -> String {
            "\(date.day) \(months[date.month - 1]) \(date.year)"
        }
        if one == other { return "on \(day(one))" }
        if one.year == other.year, one.month == other.month { return "in \(months[one.month - 1]) \(one.year)" }
        return "between \(day(one)) and \(day(other))"
    }
}
