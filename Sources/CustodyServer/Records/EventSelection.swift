import AccessControl
import EventModel
import EventStore
import QueryLanguage

/// Every event that a query finds, as leaves: the members of a hold or of an erasure.
struct EventSelection {
    /// Events read at a time.
    private static let page = 10_000

    let state: ServerState

    /// - Throws: ``Problem`` when nothing is found, or it is too scattered for one record; what searching throws.
    func leaves(
        of text: String, since: String?, until: String?, _ context: CustodyRequestContext
    ) async throws -> (leaves: LeafRanges, query: String) {
        let now = state.now()
        let query = try Query(parsing: text, now: now)
        guard query.stages.isEmpty else {
            throw Problem.badRequest("no_stages", "events are selected by a filter, without stages")
        }
        // No time means all times here: whoever holds or erases means everything.
        let authorized = try Authorizer.authorize(
            query, since: try SearchRoutes.time(since, "since", now) ?? Timestamp(seconds: 0),
            until: try SearchRoutes.time(until, "until", now), for: context.requirePrincipal(), now: now,
            permission: .export)
        var ranges: [ClosedRange<UInt64>] = []
        var cursor: String?
        repeat {
            let result = try await state.store.search(
                authorized, SearchOptions(limit: Self.page, cursor: cursor, order: .oldestFirst))
            ranges = LeafRanges(ranges: ranges + result.events.map { $0.index.rawValue...$0.index.rawValue }).ranges
            cursor = result.cursor
            try Task.checkCancellation()
        } while cursor != nil
        guard !ranges.isEmpty else { throw Problem.notFound("the query finds no event") }
        guard ranges.count <= AuthorityRequest.maximumRanges else {
            throw Problem.badRequest(
                "too_many_ranges",
                "the events make \(ranges.count) ranges of leaves, more than \(AuthorityRequest.maximumRanges); "
                    + "narrow the query, for instance by time")
        }
        return (LeafRanges(ranges: ranges), query.canonical)
    }
}
