import AccessControl
import Connectors
import EventModel
import EventStore
import Intake
import QueryLanguage
import Synchronization

/// Sees to it that what a webhook and the REST API both tell becomes one event.
///
/// - What a page tells again is known by its delivery id, which is its ``GitHubFact`` or GitHub's id of it.
/// - What a webhook told before is found in the store, page by page, by run, commit or id.
/// - What a page told before a webhook does is known by its delivery id, too: ``tellsKnown(_:connector:)``.
///
/// Only what is surely the same is left out; whatever is not, is kept.
struct GitHubJoin: Sendable {
    static let api = "github-api"
    static let webhook = "github-webhook"
    /// Hits that are compared; a page has a hundred objects, and a webhook tells each a few times.
    private static let maximumHits = 2_000
    /// A look for whether the source has events of webhooks at all is good for so long.
    private static let absenceSeconds: Int64 = 30

    let source: String
    let state: ServerState
    /// When the store was last seen to hold nothing of a webhook; `Int64.max` when it does.
    private let absence: Absence

    final class Absence: Sendable {
        let seen = Mutex<Int64?>(nil)
        let isPresent = Mutex(false)
    }

    init(source: String, state: ServerState) {
        self.source = source
        self.state = state
        absence = Absence()
    }

    /// Whether an event of a delivery id is kept, for as long as ids are remembered.
    func isKnown(_ id: String, connector: String) -> Bool {
        let key = Array(id.utf8).withUnsafeBytes {
            state.intake.keyer.key(sourceName: source, connector: connector, delivery: $0)
        }
        if case .new = state.intake.committer.earlierUse(of: key, payload: 0) { return false }
        return true
    }

    /// Whether a page has told already what a webhook's delivery tells.
    func tellsKnown(_ delivery: Delivery, connector: Connector) -> Bool {
        guard connector.name == Self.webhook else { return false }
        return facts(delivery, connector).first.map { $0.fact.map { isKnown($0.key, connector: Self.api) } ?? false }
            ?? false
    }

    /// The events of a page that are not kept yet.
    ///
    /// - Returns: The delivery with those alone, nil for none, and how many were left out.
    /// - Throws: What searching throws.
    func fresh(_ delivery: Delivery, connector: Connector) async throws -> (delivery: Delivery?, joined: Int) {
        guard var frames = delivery.frames else {
            return tellsKnown(delivery, connector: connector) ? (nil, 1) : (delivery, 0)
        }
        let told = facts(delivery, connector)
        let earlier = connector.name == Self.api ? try await webhooks(told.compactMap(\.fact), told.map(\.place)) : []
        var seen: Set<String> = []
        var kept: [DeliveryFrame] = []
        for (number, entry) in told.enumerated() {
            if let fact = entry.fact, fact.seconds == nil, connector.name == Self.api {
                frames[number].identifier = fact.key
            }
            let id = entry.id ?? frames[number].identifier
            if let id, !seen.insert(id).inserted || isKnown(id, connector: connector.name) { continue }
            if let fact = entry.fact, earlier.contains(where: fact.isSame) { continue }
            kept.append(frames[number])
        }
        guard !kept.isEmpty else { return (nil, frames.count) }
        var rest = delivery
        rest.frames = kept
        return (rest, frames.count - kept.count)
    }

    private struct Told {
        /// The payload's own delivery id.
        var id: String?
        var fact: GitHubFact?
        /// What finds it in the store.
        var place: (field: String, value: String)?
    }

    /// What each frame of a delivery (or its only event) tells.
    private func facts(_ delivery: Delivery, _ connector: Connector) -> [Told] {
        var limits = JSONLimits()
        limits.bytes = state.configuration.intake.eventBytes
        let reader = DeliveryReader(catalogue: state.catalogue, limits: limits)
        var told = Array(repeating: Told(), count: delivery.frames?.count ?? 1)
        // A part that cannot be read tells nothing here; intake says what is wrong with it.
        try? delivery.body.withUnsafeBytes { body in
            try reader.read(
                body, headers: delivery.headers, connector: connector, frames: delivery.frames,
                received: delivery.received,
                onEvent: { record, event in
                    guard told.indices.contains(event.position) else { return }
                    told[event.position] = Told(
                        id: record.text(.sourceDelivery), fact: GitHubFact(record), place: Self.place(record))
                }, onRefusal: { _ in })
        }
        return told
    }

    private static func place(_ record: EventRecord) -> (String, String)? {
        if let run = record.text(.ciRun) { return ("ci.run", run) }
        if let commit = record.text(.vcsCommit), record.text(.sourceEventType) == "push" {
            return ("vcs.commit", commit)
        }
        return record.text(.resourceID).map { ("resource.id", $0) }
    }

    /// The facts that webhooks told of the same things.
    private func webhooks(_ facts: [GitHubFact], _ places: [(field: String, value: String)?]) async throws
        -> [GitHubFact]
    {
        guard !facts.isEmpty, try await hasWebhooks() else { return [] }
        var values: [String: Set<String>] = [:]
        for case let (field, value)? in places where value.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }) {
            values[field, default: []].insert(value)
        }
        guard !values.isEmpty else { return [] }
        let filters = values.sorted { $0.key < $1.key }.map {
            "\($0.key):(\($0.value.sorted().joined(separator: " OR ")))"
        }
        let hits = try await search("(\(filters.joined(separator: " OR ")))", limit: Self.maximumHits)
        let parser = JSONParser()
        return try hits.compactMap { hit in
            try parser.withDocument(hit.json) { root in GitHubFact { field in Self.text(field, root) } }
        }
    }

    private func hasWebhooks() async throws -> Bool {
        if absence.isPresent.withLock({ $0 }) { return true }
        let moment = state.now().seconds
        if let seen = absence.seen.withLock({ $0 }), moment - seen < Self.absenceSeconds { return false }
        guard try await search("*", limit: 1).isEmpty else {
            absence.isPresent.withLock { $0 = true }
            return true
        }
        absence.seen.withLock { $0 = moment }
        return false
    }

    private func search(_ filter: String, limit: Int) async throws -> [EventHit] {
        let moment = state.now()
        let query = try Query(
            parsing: "source.name:=\(source) source.kind:=\(Self.webhook) \(filter)", now: moment)
        let authorized = try Authorizer.authorize(
            query, since: Timestamp(seconds: 0), for: Principal.system, now: moment)
        // As they were sealed: what joins two reports of one fact must not change with how they read today.
        return try await state.store.search(authorized, SearchOptions(limit: limit, reading: .sealed)).events
    }

    private static func text(_ field: Field, _ root: JSONValue) -> String? {
        field.path.split(separator: ".").reduce(Optional(root)) { $0?[String($1)] }?.scalarText
    }
}
