import Connectors
import HTTPTypes
import Hummingbird
import Intake

/// `/v1/cloudevents`: CloudEvents 1.0 in the binary, structured and batched modes.
struct CloudEventRoutes {
    let state: ServerState
    private var requests: DeliveryRequests { DeliveryRequests(state: state) }

    init(state: ServerState) { self.state = state }

    func register(on router: Router<CustodyRequestContext>) {
        router.post("/v1/cloudevents", use: take)
        router.on("/v1/cloudevents", method: .options, use: permit)
    }

    @Sendable private func take(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try await requests.withSource(named: requests.sourceName(request, context), context) { source in
            var delivery = try await requests.delivery(request, ofAnyType: true)
            let events = try CloudEventReader(
                delivery.body, contentType: request.headers[.contentType],
                headers: request.headers.map { ($0.name.rawName, $0.value) },
                limits: ProtocolLimits(state.configuration.intake))
            delivery.body = events.body
            delivery.frames = events.frames
            return requests.response(
                try await requests.submit(
                    delivery, from: requests.pushSource(source, context), deliveryID: nil))
        }
    }

    /// The handshake by which a sender asks for permission (cloudevents/spec, http-webhook.md §4). The permission is good for
    /// nothing without a token, so everybody gets it.
    @Sendable private func permit(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        var headers: HTTPFields = [.allow: "POST"]
        if let asked = HTTPField.Name("WebHook-Request-Origin"), request.headers[asked] != nil,
            let origin = HTTPField.Name("WebHook-Allowed-Origin"), let rate = HTTPField.Name("WebHook-Allowed-Rate")
        {
            headers[origin] = "*"
            headers[rate] = "*"
        }
        return Response(status: .noContent, headers: headers)
    }
}
