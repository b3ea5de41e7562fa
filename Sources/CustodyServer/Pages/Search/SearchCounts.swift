import AccessControl
import EventModel
import EventStore
import QueryLanguage

/// What stands beside the hits of a search: the histogram and the facets of the same events.
struct SearchCounts: Sendable {
    let store: any EventSearching
    let principal: Principal
    let query: Query
    let since: Timestamp?
    let until: Timestamp?
    let now: Timestamp

    /// What was counted. A part that failed is missing: the hits are what was asked for.
    struct Result: Sendable {
        var histogram: SearchHistogram?
        var facets: [SearchFacets] = []
    }

    func run() async -> Result {
        guard query.remainingStages.isEmpty else { return Result() }
        var result = Result()
        // A day's search finds what was received within the day, too, however old; the picture is of the day.
        let start = isDefaulted ? now.advanced(byNanoseconds: -Self.defaultWindow) : since
        if let chart = try? await search(SearchHistogram.query(query), since: start, until: until, limit: 1_000) {
            result.histogram = SearchHistogram(chart)
        }
        let facets = try? await SearchFacets.count(
            windowed, since: since, until: until, for: principal, now: now, in: store)
        result.facets = facets ?? []
        return result
    }

    /// What a search without a time looks through.
    private static let defaultWindow: Int64 = 86_400_000_000_000

    private var isDefaulted: Bool { since == nil && until == nil && !query.timeBounds.isMentioned }

    /// The query with the window that a search without a time has, which counting values does not have by itself.
    private var windowed: Query {
        guard isDefaulted, let window = try? Query(parsing: "(time:>=-24h OR received:>=-24h)", now: now)
        else { return query }
        return Query(filter: .conjunction([query.eventFilter, window.filter]))
    }

    /// How many events there are at any time, and from when to when; nil when there are none.
    func extent() async throws -> (count: Int64, first: Timestamp, last: Timestamp)? {
        let stage = Stage.stats(
            [Aggregate(.count), Aggregate(.min, .field(.time)), Aggregate(.max, .field(.time))], by: [])
        let everything = Timestamp(nanoseconds: .min)
        let result = try await search(
            Query(filter: query.eventFilter, stages: [stage]), since: everything, until: nil, limit: 1)
        guard let row = result.rows.first, row.count == 3, case .integer(let count) = row[0], count > 0,
            case .time(let first) = row[1], case .time(let last) = row[2]
        else { return nil }
        return (count, first, last)
    }

    private func search(
        _ query: Query, since: Timestamp?, until: Timestamp?, limit: Int
    ) async throws -> QueryResult {
        let authorized = try Authorizer.authorize(query, since: since, until: until, for: principal, now: now)
        return try await store.search(authorized, SearchOptions(limit: limit))
    }
}
