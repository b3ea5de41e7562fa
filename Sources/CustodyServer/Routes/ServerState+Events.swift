import AccessControl
import EventModel
import EventStore
import Hummingbird
import Intake
import Ledger

extension ServerState {
    /// Finds an event that the caller may see. What was committed a moment ago and is not searchable yet is waited for.
    ///
    /// - Throws: ``Problem`` 404, or 410 `destroyed`; ``AccessError``.
    func event(
        at index: LeafIndex, _ groups: Set<FieldGroup>, _ context: CustodyRequestContext
    ) async throws -> StoredEvent {
        let read = try Authorizer.authorizeRead(of: groups, for: context.requirePrincipal(), now: now())
        guard index < intake.committer.end else { throw Problem.notFound("there is no event \(index)") }
        let deadline = ContinuousClock.now + .seconds(1)
        while true {
            if let event = try await store.event(at: index, read) { return event }
            if let entry = try? ledger.entry(at: index.rawValue),
                case .lawful(_, let leaf) = records.history.destruction(of: index.rawValue, entry)
            {
                throw Problem(
                    .gone, "destroyed", "event \(index) was destroyed at the end of its retention; see leaf \(leaf)")
            }
            let isIndexed = storeView.snapshot().contains { $0.indexes.upperBound >= index }
            guard !isIndexed, ContinuousClock.now < deadline else {
                throw Problem.notFound("there is no event \(index)")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// The events around one in the order of the ledger, itself among them, as far as the caller may find them.
    func neighbours(of index: LeafIndex, reach: UInt64, _ read: AuthorizedRead) async throws -> [StoredEvent] {
        let first = index.rawValue - min(index.rawValue, reach)
        let last = min(index.rawValue + reach, max(intake.committer.end.rawValue, 1) - 1)
        var events: [StoredEvent] = []
        for neighbour in first...max(first, last) {
            if let event = try await store.event(at: LeafIndex(neighbour), read) { events.append(event) }
        }
        return events
    }
}
