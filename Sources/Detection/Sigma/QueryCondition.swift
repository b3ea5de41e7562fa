import EventModel
import EventStore
import QueryLanguage

/// A query of the search box as a condition on single events; it answers exactly as a search does.
///
/// Two are equal when their canonical texts are.
package struct QueryCondition: Hashable, Sendable {
    /// The canonical text.
    package let text: String
    let predicate: EventPredicate

    /// - Throws: ``DetectionError`` without a line: the text is no query, has stages, or asks about time.
    init(parsing text: String) throws {
        let query: Query
        do {
            // Relative times are refused below; against what they are resolved does not matter.
            query = try Query(parsing: text, now: Timestamp(rawValue: 0))
        } catch {
            throw DetectionError(.invalidRule, "the query is refused: \(error)")
        }
        guard query.stages.isEmpty else {
            throw DetectionError(.invalidRule, "a rule's query has no stages; use threshold, window and group")
        }
        guard !query.filter.mentions({ [.field(.time), .field(.received), .leafIndex].contains($0) }) else {
            throw DetectionError(
                .invalidRule, "a rule's query names no time and no index: it sees each event as it comes")
        }
        // As in the search box: Custody's own events are found by queries alone that name them.
        let own = Filter.not(.field(.field(.sourceKind), .equals("custody")))
        let filter = query.mayShowOwnAudit ? query.filter : Filter.and([query.filter, own])
        predicate = EventPredicate(filter)
        self.text = query.canonical
    }

    func holds(_ view: SealedView, payload: JSONValue?) -> Bool {
        predicate.matches(view, index: nil, payload: payload)
    }

    package static func == (left: QueryCondition, right: QueryCondition) -> Bool { left.text == right.text }
    package func hash(into hasher: inout Hasher) { hasher.combine(text) }
}
