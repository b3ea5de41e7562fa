import AccessControl
import Connectors
import EventModel
import Foundation
import HTTPTypes
import Hummingbird
import Identity
import Ledger

/// `GET /v1/sources/NAME/activity` and `POST /v1/sources/NAME/test`: what arrives at a source and how far it comes.
struct ConnectRoutes {
    let state: ServerState
    private var requests: DeliveryRequests { DeliveryRequests(state: state) }

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/v1/sources/:name/activity", use: activity)
        router.post("/v1/sources/:name/test", use: test)
    }

    @Sendable private func activity(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.readConfiguration, for: context.requirePrincipal(), now: state.now())
        let source = try self.source(context)
        // The page asks again and again while somebody connects a source.
        try state.audit.recordRepeated(
            state.auditEntry("source.activity", activity: "read", context, resource: ("source", source.name)))
        var json = JSONWriter()
        json.object { json in
            json.member("source", source.name)
            json.member("deliveries") { json in
                json.array { json in
                    for attempt in state.activity.attempts(of: source.name) { write(attempt, to: &json) }
                }
            }
        }
        return json.response()
    }

    /// Sends what the provider would send, signed as it would sign, the whole way of a real delivery. What comes of it stands in
    /// the answer, a failure too: that is what was asked for.
    @Sendable private func test(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let attempt = try await sendTest(context)
        var json = JSONWriter()
        write(attempt, to: &json)
        return json.response()
    }

    /// Sends a test delivery to the source that the path names, and puts it on record.
    func sendTest(_ context: CustodyRequestContext) async throws -> DeliveryAttempt {
        try Authorizer.check(.changeConfiguration, for: context.requirePrincipal(), now: state.now())
        let source = try self.source(context)
        let attempt = try await SourceTest(state: state).send(to: source, by: context)
        try await state.audit.recordDurably(
            state.auditEntry(
                "source.test", activity: "execute", context, resource: ("source", source.name),
                outcome: attempt.failure == nil && attempt.rejected == 0 ? "success" : "failure"))
        return attempt
    }

    private func source(_ context: CustodyRequestContext) throws -> Source {
        let name = try context.parameters.require("name")
        guard let source = state.sources.source(named: name) else {
            throw Problem.notFound("there is no source \(name)")
        }
        return source
    }

    private func write(_ attempt: DeliveryAttempt, to json: inout JSONWriter) {
        json.object { json in
            json.member("received", attempt.received.text)
            json.member("client", attempt.client)
            json.member("bytes", attempt.bytes.map(Int64.init))
            json.member("accepted", Int64(attempt.accepted))
            json.member("duplicates", Int64(attempt.duplicates))
            json.member("rejected", Int64(attempt.rejected))
            json.member("first_index", attempt.indexes.map { Int64($0.lowerBound.rawValue) })
            json.member("last_index", attempt.indexes.map { Int64($0.upperBound.rawValue) })
            json.member("stages") { json in
                json.array { json in
                    for stage in attempt.stages(publishedSize: state.ledger.latest?.checkpoint.size ?? 0) {
                        json.object { json in
                            json.member("stage", stage.stage.rawValue)
                            json.member("state", stage.state.rawValue)
                            json.member("detail", stage.detail)
                        }
                    }
                }
            }
        }
    }
}

extension DeliveryAttempt {
    enum StageState: String, Sendable { case ok, failed, waiting, skipped }

    /// What each stage made of the delivery, in words.
    ///
    /// - Parameter publishedSize: The size of the latest published checkpoint.
    func stages(publishedSize: UInt64) -> [(stage: DeliveryStage, state: StageState, detail: String)] {
        var isOver = false
        return DeliveryStage.allCases.map { stage in
            if isOver { return (stage, .skipped, "") }
            if let failure, failure.stage == stage {
                isOver = true
                return (stage, .failed, failure.reason)
            }
            let result = outcome(of: stage, publishedSize)
            isOver = result.state == .failed
            return (stage, result.state, result.detail)
        }
    }

    private func outcome(of stage: DeliveryStage, _ publishedSize: UInt64) -> (state: StageState, detail: String) {
        switch stage {
        case .received: return (.ok, bytes.map { "\($0) bytes" } ?? "")
        case .verified:
            return (
                .ok, verification == Verification.none ? "nothing to verify" : "by \(verification?.rawValue ?? "token")"
            )
        case .normalised:
            let events = accepted + duplicates
            guard rejected > 0 else { return (.ok, events == 1 ? "1 event" : "\(events) events") }
            let refused = "\(rejected) refused, now in the quarantine: \(rejection ?? "")"
            return events == 0 ? (.failed, refused) : (.ok, "\(events) events; \(refused)")
        case .sealed:
            guard let indexes else { return (.ok, "no event in it") }
            let (first, last) = (indexes.lowerBound.rawValue, indexes.upperBound.rawValue)
            let leaves = first == last ? "leaf \(first)" : "leaves \(first) to \(last)"
            let known = accepted == 0 ? ", sealed before" : ""
            return last < publishedSize
                ? (.ok, leaves + known + ", under a signed checkpoint")
                : (.waiting, leaves + known + ", durable; its checkpoint is due")
        }
    }
}
