import AccessControl
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import Intake
import QueryLanguage

/// `/v1/holds`: what outlives its retention.
struct HoldRoutes {
    private struct Body: Decodable {
        var name: String
        var q: String?
        var since: String?
        var until: String?
        var leaves: [[UInt64]]?
    }

    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/v1/holds", use: list)
        router.post("/v1/holds", use: add)
        router.post("/v1/holds/:leaf/release", use: release)
    }

    @Sendable private func list(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.readConfiguration, for: context.requirePrincipal(), now: state.now())
        try state.audit.record(state.auditEntry("hold.list", activity: "read", context, resource: ("hold", nil)))
        var json = JSONWriter()
        json.object { json in
            json.member("holds") { json in
                json.array { json in for hold in state.records.history.holds { Self.write(hold, to: &json) } }
            }
        }
        return json.response()
    }

    /// Placing a hold needs no approver: it only keeps.
    @Sendable private func add(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.changeConfiguration, for: context.requirePrincipal(), now: state.now())
        let body: Body = try await RequestJSON.decode(request, context)
        guard (1...200).contains(body.name.utf8.count) else {
            throw Problem.badRequest("invalid_name", "a hold has a name of at most 200 bytes")
        }
        var document = SystemDocument(.addHold)
        document.name = body.name
        if let q = body.q {
            let found = try await EventSelection(state: state).leaves(
                of: q, since: body.since, until: body.until, context)
            document.query = found.query
            document.leaves = found.leaves.document
        } else {
            document.leaves = body.leaves
        }
        let members = try LeafRanges(document: document.leaves)
        guard members.ranges.last.map({ $0.upperBound < state.intake.committer.end.rawValue }) ?? false else {
            throw Problem.badRequest("no_such_event", "a hold covers events that are there")
        }
        let leaf = try await state.commitApproved(document, context, resource: ("hold", body.name))
        var json = JSONWriter()
        if let hold = state.records.history.holds.last(where: { $0.leaf == leaf }) { Self.write(hold, to: &json) }
        return json.response(status: .created)
    }

    @Sendable private func release(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.changeConfiguration, for: context.requirePrincipal(), now: state.now())
        let body: ApprovalBody = try await RequestJSON.decode(request, context)
        let leaf = try context.parameters.require("leaf")
        var document = try body.document(.releaseHold)
        guard let number = UInt64(leaf), try body.request().hold == number else {
            throw Problem.badRequest("other_hold", "the request is about another hold than \(leaf)")
        }
        document.hold = number
        _ = try await state.commitApproved(document, context, resource: ("hold", leaf))
        var json = JSONWriter()
        if let hold = state.records.history.holds.first(where: { $0.leaf == number }) { Self.write(hold, to: &json) }
        return json.response()
    }

    private static func write(_ hold: AuthorityHistory.Hold, to json: inout JSONWriter) {
        json.object { json in
            json.member("leaf", Int64(hold.leaf))
            json.member("name", hold.name)
            json.member("query", hold.query)
            json.member("events", Int64(clamping: hold.leaves.count))
            json.member("placed", Timestamp(seconds: hold.received / 1_000).text)
            json.member("state", hold.released == nil ? "in force" : "released")
            if let released = hold.released { json.member("released_by", Int64(released)) }
        }
    }
}
