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
        let name = requests.sourceName(request, context)
        return try await requests.withSource(named: name, context) { source in
            let delivery = try await requests.delivery(request)
            let answer = try await requests.submit(
                delivery, from: requests.pushSource(source, context),
                deliveryID: Self.idempotencyKey(request.headers), client: context.clientAddress)
            let wantsReceipt = request.uri.queryParameters["receipt"] == "true"
            return requests.response(answer, receipt: wantsReceipt ? try requests.receipt(for: answer, delivery) : nil)
        }
    }

    @Sendable private func hook(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let source = try requests.hookSource(named: context.parameters.require("name"))
        let (received, verification, connector) = try await verified(request, source, context)
        var delivery = received
        if verification == .signature, let message = try TopicDeliveries(state: state).message(delivery, source) {
            if let answer = try await TopicDeliveries(state: state).answer(message, source, context) { return answer }
            delivery = TopicDeliveries.unwrapped(message, delivery)
        }
        // Only who has shown that they know the secret gets a proof that we do: anybody else could have things signed.
        let secrets = verification == .hmac ? source.secrets(at: state.now()).map { Array($0.utf8) } : []
        let providerAnswer = connector?.answer(to: delivery, credential: SourceCredential(secrets: secrets))
        if let providerAnswer, !providerAnswer.isEvent { return Self.response(providerAnswer) }
        if let connector, state.github.connection(of: source.name) != nil,
            GitHubJoin(source: source.name, state: state).tellsKnown(delivery, connector: connector)
        {
            return providerAnswer.map(Self.response) ?? Self.duplicate
        }
        let from =
            context.workload == nil
            ? try requests.deliverySource(source, verified: verification) : try requests.pushSource(source, context)
        let key = try Self.idempotencyKey(request.headers)
        let answer = try await requests.usingToken(for: source, context) {
            try await requests.submit(delivery, from: from, deliveryID: key, client: context.clientAddress)
        }
        if answer.outcomes.isEmpty, let first = answer.rejected.first {
            throw Problem.badRequest("malformed", "entry \(first.position): \(first.reason)")
        }
        return providerAnswer.map(Self.response) ?? requests.response(answer)
    }

    /// Reads a hook's delivery and checks where it comes from. One that comes no further is noted among the source's activity, for
    /// whoever is connecting it and sees nothing arrive.
    private func verified(
        _ request: Request, _ source: Source, _ context: CustodyRequestContext
    ) async throws -> (Delivery, Connectors.Verification, Connector?) {
        let received = state.now()
        var bytes: Int?
        do {
            var delivery = try await requests.delivery(request)
            bytes = delivery.body.count
            // Browsers show a certificate to whatever page asks for it; see ``AuthenticationMiddleware``.
            if request.headers[.origin] == nil {
                delivery.certificate = context.certificate.map { .init(subject: $0.subject, names: $0.names) }
            }
            // A source without a secret has only tokens to go by: then it is theirs to say what is wrong.
            if source.secret == nil, context.isRefusedWorkload { _ = try context.requirePrincipal() }
            let (verification, connector) = try await requests.authenticate(
                delivery, source, principal: context.principal, now: state.now())
            return (delivery, verification, connector)
        } catch {
            state.note(
                DeliveryAttempt(received: received, client: context.clientAddress, bytes: bytes, refused: error),
                source: source.name)
            throw error
        }
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
        try idempotencyKey(HTTPField.Name("Idempotency-Key").flatMap { headers[$0] })
    }

    /// The delivery id that an idempotency key stands for; nil without one.
    static func idempotencyKey(_ key: String?) throws -> String? {
        guard let key, !key.isEmpty else { return nil }
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
