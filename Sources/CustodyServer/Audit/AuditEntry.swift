import AccessControl
import EventModel
import Ledger

/// One thing that somebody did with Custody itself: it becomes an event of the source `custody` (invariant 8).
struct AuditEntry: Sendable {
    /// `noun.verb`: `search.run`, `event.read`, `token.create`, `access.deny` …
    var action: String
    /// create, read, update, delete, execute, login, deny …
    var activity: String
    var outcome: String
    var reason: String?
    var actorID: String?
    var actorName: String?
    var actorType: String
    var client: String?
    var resourceType: String
    var resourceName: String?
    var path: String?
    var method: String?
    var requestID: String?
    /// The query that was run, where there was one.
    var query: String?
    /// Further facts, kept in the payload.
    var details: [(String, String)]
    /// What makes a second commit of it a duplicate; nil for an act, of which each is one of its own.
    var deliveryID: String?
    /// What its leaf records; nearly always an event.
    var leaf = LeafKind.event

    init(
        _ action: String, activity: String, outcome: String = "success", reason: String? = nil,
        actor: Principal? = nil, client: String? = nil, resource: (type: String, name: String?),
        method: String? = nil, path: String? = nil, requestID: String? = nil, query: String? = nil,
        details: [(String, String)] = []
    ) {
        self.action = action
        self.activity = activity
        self.outcome = outcome
        self.reason = reason
        actorID = actor?.id
        actorName = actor?.name
        actorType = actor.map { $0.kind == .person ? "user" : $0.kind == .system ? "system" : "service" } ?? "anonymous"
        self.client = client
        resourceType = resource.type
        resourceName = resource.name
        self.method = method
        self.path = path
        self.requestID = requestID
        self.query = query
        self.details = details
    }

    /// The payload: what is said about the act, as JSON.
    var payload: [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.member("action", action)
            json.member("outcome", outcome)
            json.member("reason", reason)
            json.member("actor_id", actorID)
            json.member("actor_name", actorName)
            json.member("client", client)
            json.member("resource_type", resourceType)
            json.member("resource", resourceName)
            json.member("method", method)
            json.member("path", path)
            json.member("request_id", requestID)
            json.member("query", query)
            if !details.isEmpty {
                json.member("details") { $0.object { json in for (key, value) in details { json.member(key, value) } } }
            }
        }
        return json.bytes
    }

    /// Fills the canonical fields.
    func fill(_ record: inout EventRecord) {
        record.set(.sourceKind, "custody")
        record.set(.sourceEventType, action)
        record.set(.action, action)
        record.set(.activity, activity)
        record.set(.category, activity == "login" || activity == "grant" || activity == "deny" ? "identity" : "other")
        record.set(.outcome, outcome)
        set(&record, .outcomeReason, reason)
        set(&record, .actorID, actorID)
        set(&record, .actorName, actorName)
        record.set(.actorType, actorType)
        set(&record, .clientIP, client)
        record.set(.resourceType, resourceType)
        set(&record, .resourceName, resourceName)
        record.set(.appName, "custody")
        if path != nil { record.set(.apiProtocol, "http") }
        set(&record, .apiMethod, method)
        set(&record, .apiPath, path)
        set(&record, .apiRequestID, requestID)
        set(&record, .sourceDelivery, deliveryID)
        record.set(.normVersion, "custody/1")
    }

    private func set(_ record: inout EventRecord, _ field: Field, _ value: String?) {
        if let value { record.set(field, value) }
    }
}
