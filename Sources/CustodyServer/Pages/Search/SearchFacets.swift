import AccessControl
import EventModel
import EventStore
import QueryLanguage

/// The most frequent values of the fields that people narrow a search by.
struct SearchFacets {
    /// Short names, as they are typed, and what a person calls them. Fields that are nearly unique say nothing here.
    static let fields: [(name: String, label: String, reference: FieldReference)] = [
        ("source.name", "Source", .field(.sourceName)), ("action", "Action", .field(.action)),
        ("outcome", "Outcome", .field(.outcome)), ("actor.name", "Actor", .field(.actorName)),
        ("repo", "Repository", .field(.vcsRepo)), ("ip", "Address", .field(.clientIP)),
    ]
    /// Values of a field.
    static let valueCount = 8

    let name: String
    let label: String
    let values: ValueSummary

    /// Counts them one field after the other, so that a search that is typed meanwhile does not wait for all.
    static func count(
        _ query: Query, since: Timestamp?, until: Timestamp?, for principal: Principal, now: Timestamp,
        in store: any EventSearching
    ) async throws -> [SearchFacets] {
        var facets: [SearchFacets] = []
        for field in fields {
            // Naming a field asks for leave to see it. What everybody sees is not named: `source` would call for Custody's own
            // events, too.
            let isOpen = if case .field(let known) = field.reference { known.group == .envelope } else { false }
            let presence = isOpen ? Filter.all : .field(field.reference, .present)
            let scoped = Query(filter: .conjunction([query.eventFilter, presence]))
            // A field that the reader may not see has no facet.
            guard
                let authorized = try? Authorizer.authorize(scoped, since: since, until: until, for: principal, now: now)
            else { continue }
            let values = try await store.values(
                of: field.reference, prefix: "", limit: valueCount, authorized, .current)
            if !values.entries.isEmpty {
                facets.append(SearchFacets(name: field.name, label: field.label, values: values))
            }
        }
        return facets
    }

    func data(_ ask: SearchAsk, _ query: Query, now: Timestamp) -> PageData {
        let most = max(1, values.entries.first?.events ?? 1)
        return .of([
            "label": label, "is_inexact": values.isExact ? nil : true,
            "values": values.entries.map { entry -> PageData in
                let isChosen = query.has(name, entry.value, now: now)
                let included =
                    isChosen ? query.removing(name, entry.value, now: now) : query.adding(name, entry.value, now: now)
                let excluded = query.adding(name, entry.value, excluding: true, now: now)
                return .of([
                    "value": entry.value.isEmpty ? "(empty)" : entry.value, "events": PageNumber.text(entry.events),
                    "include": included.map { ask.path(q: $0.boxText) },
                    "exclude": isChosen ? nil : excluded.map { ask.path(q: $0.boxText) },
                    "is_chosen": isChosen ? true : nil, "share": max(1, 100 * entry.events / most),
                ])
            },
        ])
    }
}
