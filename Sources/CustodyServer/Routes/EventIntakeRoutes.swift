import AccessControl
import Connectors
import EventModel
import HTTPTypes
import Hummingbird
import Identity
import Intake

/// `POST /v1/events` and `/v1/hooks/NAME`.
struct EventIntakeRoutes {
    /// An idempotency key is a part of every event's delivery id.
    static let maximumIdempotencyKeyBytes = 256

    let state: ServerState
    private var requests: DeliveryRequests { DeliveryRequests(state: state) }

    init(state: ServerState) { self.state = state }

    func register(on router: Router<CustodyRequestContext>) {
        router.post("/v1/events", use: push)
        router.post("/v1/hooks/:name", use: hook)
        router.get("/v1/hooks/:name", use: hook)
    }

    @Sendable private func push(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let name = request.uri.queryParameters["source"].map(String.init) ?? SourceStore.automatic
        return try await requests.withSource(named: name, context) { source in
            var request = request
            let delivery = try await requests.delivery(&request)
            let answer = try await requests.submit(
                delivery, from: requests.deliverySource(source, verified: .token),
                deliveryID: Self.idempotencyKey(request.headers))
            let wantsReceipt = request.uri.queryParameters["receipt"] == "true"
            return requests.response(answer, receipt: wantsReceipt ? try requests.receipt(for: answer, delivery) : nil)
        }
    }

    @Sendable private func hook(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        var request = request
        let source = try requests.hookSource(named: context.parameters.require("name"))
        let delivery = try await requests.delivery(&request)
        let (verification, connector) = try authenticate(delivery, source, context)
        // Only who has shown that they know the secret gets a proof that we do: anybody else could have things signed.
        let secrets = verification == .hmac ? source.secrets(at: state.now()).map { Array($0.utf8) } : []
        let providerAnswer = connector?.answer(to: delivery, credential: SourceCredential(secrets: secrets))
        if let providerAnswer, !providerAnswer.isEvent { return Self.response(providerAnswer) }
        if let connector, state.github.connection(of: source.name) != nil,
            GitHubJoin(source: source.name, state: state).tellsKnown(delivery, connector: connector)
        {
            return providerAnswer.map(Self.response) ?? Self.duplicate
        }
        let answer = try await requests.submit(
            delivery, from: requests.deliverySource(source, verified: verification),
            deliveryID: Self.idempotencyKey(request.headers))
        if answer.outcomes.isEmpty, let first = answer.rejected.first {
            throw Problem.badRequest("malformed", "entry \(first.position): \(first.reason)")
        }
        return providerAnswer.map(Self.response) ?? requests.response(answer)
    }

    /// How a hook's delivery proves where it comes from: the source's own secret in the provider's way, or a token that may
    /// ingest as this source (for senders that can set a header but sign nothing).
    private func authenticate(
        _ delivery: Delivery, _ source: Source, _ context: CustodyRequestContext
    ) throws -> (Verification, Connector?) {
        let connector =
            source.connector == SourceStore.automatic ? nil : try state.catalogue.connector(named: source.connector)
        if let principal = context.principal {
            try Authorizer.checkIngest(as: source.name, for: principal, now: state.now())
            return (.token, connector)
        }
        let secrets = source.secrets(at: state.now()).map { Array($0.utf8) }
        guard !secrets.isEmpty else {
            throw Problem(
                .unauthorized, "unauthenticated", "the source has no secret and the delivery brought no token")
        }
        let credential = SourceCredential(secrets: secrets)
        // A source that takes anything checks the delivery in whatever way its headers offer.
        let candidates = connector.map { [$0] } ?? state.catalogue.connectors.filter(\.isAuthenticated)
        var refusal: (any Error)?
        for candidate in candidates {
            do {
                let verification = try candidate.authenticate(delivery, credential: credential, now: state.now())
                guard verification != .none else { continue }
                return (verification, candidate)
            } catch let error as ConnectorError {
                // The reason worth telling is that of the connector whose header was there.
                if refusal == nil || error.code != .unsigned { refusal = error }
            }
        }
        throw refusal ?? Problem(.unauthorized, "unsigned", "the delivery is not signed")
    }

    /// What a delivery tells that was pulled before.
    private static var duplicate: Response {
        var json = JSONWriter()
        json.object { json in
            json.member("accepted", Int64(0))
            json.member("duplicates", Int64(1))
            json.member("rejected") { $0.array { _ in } }
        }
        return json.response()
    }

    private static func idempotencyKey(_ headers: HTTPFields) throws -> String? {
        guard let name = HTTPField.Name("Idempotency-Key"), let key = headers[name], !key.isEmpty else { return nil }
        guard key.utf8.count <= maximumIdempotencyKeyBytes else {
            throw Problem.badRequest(
                "idempotency_key", "an Idempotency-Key has at most \(maximumIdempotencyKeyBytes) bytes")
        }
        return "key:" + key
    }

    private static func response(_ answer: DeliveryAnswer) -> Response {
        Response(
            status: .init(code: answer.status), headers: [.contentType: answer.contentType],
            body: .init(byteBuffer: ByteBuffer(bytes: answer.body)))
    }
}
