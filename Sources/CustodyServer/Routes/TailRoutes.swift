import AccessControl
import Detection
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import Intake
import QueryLanguage

/// `GET /v1/tail`: server-sent events (HTML Standard §9.2), one for each new event that matches, and in a tail of
/// everything one for each alert that opens.
struct TailRoutes {
    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/v1/tail", use: tail)
    }

    @Sendable private func tail(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let now = state.now()
        let query = try Query(parsing: request.uri.queryParameters["q"].map(String.init) ?? "", now: now)
        guard query.stages.isEmpty else {
            throw Problem.badRequest("no_stages", "live tail takes a filter, no stages")
        }
        let authorized = try Authorizer.authorize(query, for: principal, now: now)
        try state.audit.recordRepeated(
            state.auditEntry(
                "event.tail", activity: "read", context, resource: ("event", nil), query: query.canonical))
        guard let items = state.tail.follow() else {
            throw Problem(
                .serviceUnavailable, "too_many_followers", "too many live tails are open",
                headers: [.retryAfter: "10"])
        }
        let predicate = EventPredicate(authorized)
        let groups = authorized.visibleGroups
        // An alert tells of events; it is shown only to who follows, and may see, all of them.
        let showsAlerts = query.filter == .all && authorized.restriction == nil
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
            body: .init { writer in
                try await writer.write(ByteBuffer(string: ": following\n\n"))
                let parser = JSONParser()
                for await item in items {
                    var output: [UInt8] = []
                    switch item {
                    case .silence: output += ": still here\n\n".utf8
                    case .dropped(let count): output += "event: dropped\ndata: {\"dropped\":\(count)}\n\n".utf8
                    case .batch(let batch):
                        try batch.forEach { index, view, _ in
                            guard predicate.matches(view, index: index, parser: parser) else {
                                if showsAlerts { Self.appendAlert(view, index, to: &output) }
                                return
                            }
                            output += "id: \(index.rawValue)\ndata: ".utf8
                            EventJSON.append(view, index: index, groups: groups, to: &output)
                            output += "\n\n".utf8
                        }
                    }
                    if !output.isEmpty { try await writer.write(ByteBuffer(bytes: output)) }
                }
                try await writer.finish(nil)
            })
    }

    /// What Custody wrote down of an alert that opened: its id as `resource`, the rest under `details`.
    private static func appendAlert(_ view: SealedView, _ index: LeafIndex, to output: inout [UInt8]) {
        guard view.text(.sourceKind) == OwnAudit.source, view.text(.action) == AlertTransition.openingAction,
            let payload = view.payload
        else { return }
        output += "event: alert\nid: \(index.rawValue)\ndata: ".utf8
        output += payload
        output += "\n\n".utf8
    }
}
