import Connectors
import EventModel
import HTTPTypes
import Hummingbird
import Intake

/// `POST /v1/firehose`: Amazon Data Firehose's HTTP endpoint ("Understand HTTP endpoint delivery request and response
/// specifications"), by which CloudWatch Logs, and so EKS audit logs, reach a server.
///
/// The access key is a token that may ingest. Firehose repeats a request until it is answered in its own words, and keeps in
/// its bucket for failures what it gives up on.
struct FirehoseRoutes {
    /// Its access key, which it sends verbatim.
    static let accessKey = HTTPField.Name("X-Amz-Firehose-Access-Key")
    private static let requestID = HTTPField.Name("X-Amz-Firehose-Request-Id")

    let state: ServerState
    private var requests: DeliveryRequests { DeliveryRequests(state: state) }

    init(state: ServerState) { self.state = state }

    func register(on router: Router<CustodyRequestContext>) {
        router.post("/v1/firehose") { request, context in
            // A request that cannot be read has its id in the header alone.
            let id = Self.requestID.flatMap { request.headers[$0] } ?? ""
            let words: (Problem) -> Response = { self.answer(id, error: $0.detail, status: $0.status) }
            return await state.answering(request, context, in: words) { try await take(request, context) }
        }
    }

    private func take(_ request: Request, _ context: CustodyRequestContext) async throws -> Response {
        try await requests.withSource(named: requests.sourceName(request, context), context) { source in
            var delivery = try await requests.delivery(request)
            let limits = ProtocolLimits(state.configuration.intake)
            let unpacking = ContentDecoding(limit: limits.bytes)
            let records = try delivery.body.withUnsafeBytes { body in
                try FirehoseRecords(body, limits: limits) { try unpacking.decode($0, encoding: "gzip") }
            }
            // CloudWatch asks in this way whether somebody is there.
            guard !records.frames.isEmpty else { return answer(records.requestID) }
            delivery.body = records.body
            delivery.frames = records.frames
            // What was refused is in the quarantine: repeated, it would be refused again, and the good ones with it.
            _ = try await requests.submit(
                delivery, from: requests.pushSource(source, context), deliveryID: nil)
            return answer(records.requestID)
        }
    }

    private func answer(_ id: String, error: String? = nil, status: HTTPResponse.Status = .ok) -> Response {
        var json = JSONWriter()
        json.object { json in
            json.member("requestId", id)
            json.member("timestamp", state.now().milliseconds)
            json.member("errorMessage", error)
        }
        return json.response(status: status)
    }
}
