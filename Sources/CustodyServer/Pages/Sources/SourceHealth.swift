import AccessControl
import EventModel
import EventStore
import Identity
import QueryLanguage

/// How much came from each source, and when the last of it.
struct SourceHealth: Sendable {
    struct Figures: Sendable {
        let events: Int64
        let last: Timestamp
    }

    /// A source that sends and has sent nothing for a day asks for a look.
    static let quietSeconds: Int64 = 86_400

    private let figures: [String: Figures]

    /// Counts over all time, as far as the reader may see.
    ///
    /// - Throws: as a search.
    init(_ state: ServerState, for principal: Principal) async throws {
        let now = state.now()
        let stage = Stage.stats([Aggregate(.count), Aggregate(.max, .field(.received))], by: [.field(.sourceName)])
        let authorized = try Authorizer.authorize(
            Query(filter: .all, stages: [stage]), since: Timestamp(nanoseconds: .min), for: principal, now: now)
        let result = try await state.store.search(authorized, SearchOptions(limit: SourceLimits.count))
        var figures: [String: Figures] = [:]
        for row in result.rows where row.count == 3 {
            guard let name = row[0].text, case .integer(let events) = row[1], case .time(let last) = row[2] else {
                continue
            }
            figures[name] = Figures(events: events, last: last)
        }
        self.figures = figures
    }

    subscript(name: String) -> Figures? { figures[name] }

    var events: Int64 { figures.values.reduce(0) { $0 + $1.events } }
    var isEmpty: Bool { figures.isEmpty }

    /// What a source does, in a word, and how loud that is said.
    func state(of source: Source, now: Timestamp) -> (text: String, kind: String) {
        guard source.isEnabled else { return ("disabled", "plain") }
        guard let figures = figures[source.name] else { return ("waits for its first event", "plain") }
        return now.seconds - figures.last.seconds >= Self.quietSeconds ? ("quiet", "warn") : ("sends", "good")
    }
}
