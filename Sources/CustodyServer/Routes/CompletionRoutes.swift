import AccessControl
import EventStore
import HTTPTypes
import Hummingbird
import QueryLanguage

/// `GET /v1/complete`: what could stand at a place in a query that somebody is typing.
struct CompletionRoutes {
    /// Candidates at most: more than a person looks through.
    static let maximumCandidates = 20

    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/v1/complete", use: complete)
    }

    @Sendable private func complete(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let text = request.uri.queryParameters["q"].map(String.init) ?? ""
        let place = try request.count("at", in: 0...QueryLimits.textLength) ?? text.count
        let completion = QueryCompletion(text, cursor: place)
        _ = try Authorizer.authorize(Query(filter: .all), for: principal, now: state.now())
        try state.audit.recordRepeated(
            state.auditEntry("field.complete", activity: "read", context, resource: ("field", nil)))
        var candidates = Array(completion.candidates.prefix(Self.maximumCandidates))
        if case .value(let reference, let prefix) = completion.expectation, candidates.isEmpty {
            candidates = try await values(of: reference, prefix: prefix, principal, context)
        }
        var json = JSONWriter()
        json.object { json in
            json.member("from", Int64(completion.replaced.lowerBound))
            json.member("to", Int64(completion.replaced.upperBound))
            json.member("candidates") { json in json.array { json in for text in candidates { json.value(text) } } }
        }
        return json.response()
    }

    private func values(
        of reference: FieldReference, prefix: String, _ principal: Principal, _ context: CustodyRequestContext
    ) async throws -> [String] {
        // Naming the field is what asks for leave to see it.
        let presence = Query(filter: .field(reference, .present))
        let authorized = try Authorizer.authorize(presence, for: principal, now: state.now())
        let summary = try await context.whileConnected { [store = state.store] in
            try await store.values(of: reference, prefix: prefix, limit: Self.maximumCandidates, authorized, .current)
        }
        return summary.entries.map { Query.quoted($0.value) }
    }
}
