import AccessControl
import EventModel
import HTTPTypes
import Hummingbird

/// `/v1/retention`: policies, what they would destroy, and doing it.
struct RetentionRoutes {
    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/v1/retention", use: show)
        router.post("/v1/retention", use: set)
        router.get("/v1/retention/preview", use: preview)
        router.post("/v1/retention/run", use: run)
    }

    @Sendable private func show(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.readConfiguration, for: context.requirePrincipal(), now: state.now())
        try state.audit.record(
            state.auditEntry("retention.show", activity: "read", context, resource: ("retention", nil)))
        let history = state.records.history
        let now = state.now().milliseconds
        var json = JSONWriter()
        json.object { json in
            json.member("policies") { json in
                json.array { json in
                    for policy in history.policies { Self.write(policy, history, now, to: &json) }
                }
            }
            json.member("destructions", Int64(history.destructions.count))
            json.member("holds_in_force", Int64(history.activeHolds.count))
        }
        return json.response()
    }

    @Sendable private func set(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.changeConfiguration, for: context.requirePrincipal(), now: state.now())
        let body: ApprovalBody = try await RequestJSON.decode(request, context)
        let leaf = try await state.commitApproved(
            try body.document(.setRetention), context, resource: ("retention", nil))
        let history = state.records.history
        var json = JSONWriter()
        if let policy = history.policies.last(where: { $0.leaf == leaf }) {
            Self.write(policy, history, state.now().milliseconds, to: &json)
        }
        return json.response(status: .created)
    }

    @Sendable private func preview(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.readConfiguration, for: context.requirePrincipal(), now: state.now())
        try state.audit.record(
            state.auditEntry("retention.preview", activity: "read", context, resource: ("retention", nil)))
        var json = JSONWriter()
        Self.write(try state.destruction.plan(at: state.now()), to: &json)
        return json.response()
    }

    @Sendable private func run(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        try Authorizer.check(.changeConfiguration, for: principal, now: state.now())
        try await state.audit.recordDurably(
            state.auditEntry("retention.run", activity: "delete", context, resource: ("retention", nil)))
        let plan = try await state.destruction.runRetention(at: state.now(), actor: principal)
        var json = JSONWriter()
        Self.write(plan, to: &json)
        return json.response()
    }

    private static func write(
        _ policy: AuthorityHistory.Policy, _ history: AuthorityHistory, _ now: Int64, to json: inout JSONWriter
    ) {
        json.object { json in
            json.member("leaf", Int64(policy.leaf))
            json.member("class", Int64(policy.retentionClass))
            if let days = policy.days { json.member("days", Int64(days)) } else { json.member("keep", "forever") }
            json.member("set", Timestamp(seconds: policy.received / 1_000).text)
            json.member("effective", Timestamp(seconds: policy.effective / 1_000).text)
            let isInForce = history.policy(for: policy.retentionClass, at: now)?.leaf == policy.leaf
            json.member("state", isInForce ? "in force" : policy.effective > now ? "in its notice period" : "replaced")
        }
    }

    private static func write(_ plan: Destruction.Plan, to json: inout JSONWriter) {
        json.object { json in
            json.member("events", Int64(plan.events))
            json.member("classes") { json in
                json.array { json in
                    for item in plan.items {
                        json.object { json in
                            json.member("class", Int64(item.policy.retentionClass))
                            json.member("policy", Int64(item.policy.leaf))
                            json.member("events", Int64(item.events))
                            json.member("held", Int64(item.held))
                            json.member("bytes", Int64(item.bytes))
                            json.member("days") { json in
                                json.array { json in
                                    for day in item.days {
                                        json.value(String(Timestamp(seconds: Int64(day) * 86_400).text.prefix(10)))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
