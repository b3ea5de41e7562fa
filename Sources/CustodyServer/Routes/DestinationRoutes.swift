import AccessControl
import Delivery
import EventModel
import Foundation
import HTTPTypes
import Hummingbird

/// `/v1/destinations` and `/v1/notifications`: where alerts are sent, what waits, what was given up.
struct DestinationRoutes {
    let state: ServerState
    private var changes: DestinationChanges { DestinationChanges(state: state) }

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/v1/destinations", use: list)
        router.post("/v1/destinations", use: add)
        router.delete("/v1/destinations/:name", use: remove)
        router.post("/v1/destinations/:name/test", use: test)
        router.get("/v1/notifications", use: notifications)
        router.post("/v1/notifications/:id/resend", use: resend)
        router.post("/v1/destinations/:name/resend", use: resendAll)
    }

    @Sendable private func list(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.readConfiguration, for: context.requirePrincipal(), now: state.now())
        try state.audit.record(
            state.auditEntry("destination.list", activity: "read", context, resource: ("destination", nil)))
        let census = try state.notifications.outbox.census()
        var json = JSONWriter()
        json.object { json in
            json.member("destinations") { json in
                json.array { json in
                    for entry in state.notifications.destinations.list() { Self.write(entry, census, to: &json) }
                }
            }
        }
        return json.response()
    }

    @Sendable private func add(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.changeConfiguration, for: context.requirePrincipal(), now: state.now())
        let entry = try await changes.add(try await RequestJSON.decode(request, context), context)
        var json = JSONWriter()
        Self.write(entry, nil, to: &json)
        return json.response(status: .created)
    }

    @Sendable private func remove(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try await changes.remove(try Self.name(context), context)
        return Response(status: .noContent)
    }

    /// Sends one message that says it is a test, and answers what became of it.
    @Sendable private func test(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let name = try Self.name(context)
        let failure = try await changes.test(name, context)
        var json = JSONWriter()
        json.object { json in
            json.member("destination", name)
            json.member("delivered", failure == nil)
            json.member("reason", failure?.reason)
        }
        return json.response()
    }

    @Sendable private func notifications(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.readConfiguration, for: context.requirePrincipal(), now: state.now())
        let query = request.uri.queryParameters
        guard let kind = OutboxMessage.State(rawValue: query["state"].map(String.init) ?? "failed") else {
            throw Problem.badRequest("invalid_state", "a state is pending, delivered or failed")
        }
        let limit = try request.count("limit", in: 1...1_000) ?? 100
        let messages = try state.notifications.outbox.list(
            kind, destination: query["destination"].map(String.init), limit: limit)
        try state.audit.record(
            state.auditEntry("notification.list", activity: "read", context, resource: ("notification", nil)))
        var json = JSONWriter()
        json.object { json in
            json.member("notifications") { json in
                json.array { json in for message in messages { Self.write(message, to: &json) } }
            }
        }
        return json.response()
    }

    @Sendable private func resend(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try await changes.resend(try context.parameters.require("id"), context)
        return Self.resent(1)
    }

    @Sendable private func resendAll(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        Self.resent(try await changes.resendAll(to: try Self.name(context), context))
    }

    private static func resent(_ count: Int) -> Response {
        var json = JSONWriter()
        json.object { $0.member("resent", Int64(count)) }
        return json.response()
    }

    static func name(_ context: CustodyRequestContext) throws -> String {
        let name = try context.parameters.require("name")
        return name.removingPercentEncoding ?? name
    }

    private static func write(
        _ entry: DestinationStore.Entry, _ census: (pending: [String: Int], failed: [String: Int], groups: Int)?,
        to json: inout JSONWriter
    ) {
        let destination = entry.destination
        json.object { json in
            json.member("name", destination.name)
            json.member("kind", destination.kind.rawValue)
            json.member("address", destination.address)
            json.member("origin", entry.origin.rawValue)
            json.member("minimum_severity", entry.settings.minimumSeverity ?? "medium")
            let lists = [
                ("events", entry.settings.events), ("rules", entry.settings.rules), ("sources", entry.settings.sources),
                ("tags", entry.settings.tags), ("owners", entry.settings.owners), ("entities", entry.settings.entities),
            ]
            for (name, values) in lists {
                guard let values else { continue }
                json.member(name) { json in json.array { json in for value in values { json.value(value) } } }
            }
            if let grouping = destination.grouping {
                json.member("grouping") { json in
                    json.object { json in
                        json.member("wait_seconds", grouping.wait / 1_000_000_000)
                        json.member("interval_seconds", grouping.interval / 1_000_000_000)
                        json.member("repeat_seconds", grouping.repetition / 1_000_000_000)
                    }
                }
            }
            if let census {
                json.member("pending", Int64(census.pending[destination.name] ?? 0))
                json.member("failed", Int64(census.failed[destination.name] ?? 0))
            }
        }
    }

    private static func write(_ message: OutboxMessage, to json: inout JSONWriter) {
        json.object { json in
            json.member("id", message.message)
            json.member("destination", message.destination)
            json.member("subject", message.subject)
            json.member("state", message.state.rawValue)
            json.member("attempts", Int64(message.attempts))
            json.member("error", message.lastError)
            json.member("created", message.created.text)
            if message.state == .pending { json.member("next_attempt", message.nextAttempt.text) }
        }
    }
}
