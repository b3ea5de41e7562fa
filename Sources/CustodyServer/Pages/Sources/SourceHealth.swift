import AccessControl
import EventModel
import EventStore
import Identity
import QueryLanguage

/// How much came from each source, and when the last of it.
struct SourceHealth: Sendable {
    struct Figures: Sendable, Equatable {
        var events: Int64
        var last: Timestamp
    }

    /// A source that sends and has sent nothing for a day asks for a look.
    static let quietSeconds: Int64 = 86_400

    private var figures: [String: Figures] = [:]
    /// The leaf behind the last that is counted: the store's rows are a beginning of the ledger, so nothing before it is missing.
    private(set) var next: UInt64 = 0

    /// Counts over all time, as far as the reader may see.
    ///
    /// - Throws: as a search.
    init(_ state: ServerState, for principal: Principal) async throws {
        try await add(.all, state, principal)
    }

    /// Counts what came since.
    ///
    /// - Throws: as a search; then nothing has changed.
    mutating func update(_ state: ServerState, for principal: Principal) async throws {
        guard let first = Int64(exactly: next) else { return }
        try await add(
            .field(.leafIndex, .compare(.greaterOrEqual, .number(.integer(first)))), state, principal)
    }

    private mutating func add(_ filter: Filter, _ state: ServerState, _ principal: Principal) async throws {
        let now = state.now()
        let aggregates = [
            Aggregate(.count), Aggregate(.max, .field(.received)), Aggregate(.max, .leafIndex),
        ]
        let stage = Stage.stats(aggregates, by: [.field(.sourceName)])
        let authorized = try Authorizer.authorize(
            Query(filter: filter, stages: [stage]), since: Timestamp(nanoseconds: .min), for: principal, now: now)
        let result = try await state.store.search(authorized, SearchOptions(limit: SourceLimits.count))
        for row in result.rows where row.count == 4 {
            guard let name = row[0].text, case .integer(let events) = row[1], case .time(let last) = row[2],
                case .integer(let index) = row[3]
            else { continue }
            let known = figures[name]
            figures[name] = Figures(
                events: (known?.events ?? 0) + events, last: known.map { max($0.last, last) } ?? last)
            next = max(next, UInt64(max(0, index)) + 1)
        }
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
