import AccessControl
import Connectors
import EventModel
import HTTPTypes
import Hummingbird
import Identity
import Intake

/// Splunk's HTTP Event Collector: `/services/collector`, `/event`, `/raw`, `/ack`, `/health`, most also with `/1.0`.
///
/// Answers are Splunk's own, since its senders look at `code`.
struct SplunkRoutes {
    /// Splunk's codes: help.splunk.com, "Troubleshoot HTTP Event Collector", possible error codes.
    private enum Code: Int64 {
        case success = 0
        case tokenDisabled = 1
        case tokenRequired = 2
        case invalidAuthorization = 3
        case invalidToken = 4
        case noData = 5
        case invalidDataFormat = 6
        case incorrectIndex = 7
        case internalError = 8
        case serverBusy = 9
        case channelMissing = 10
        case invalidChannel = 11
        case queryAuthorization = 16
        case healthy = 17
        case unhealthy = 18
        case tooLarge = 27

        var text: String {
            switch self {
            case .success: "Success"
            case .tokenDisabled: "Token disabled"
            case .tokenRequired: "Token is required"
            case .invalidAuthorization: "Invalid authorization"
            case .invalidToken: "Invalid token"
            case .noData: "No data"
            case .invalidDataFormat: "Invalid data format"
            case .incorrectIndex: "Incorrect index"
            case .internalError: "Internal server error"
            case .serverBusy: "Server is busy"
            case .channelMissing: "Data channel is missing"
            case .invalidChannel: "Invalid data channel"
            case .queryAuthorization: "Query string authorization is not enabled"
            case .healthy: "HEC is healthy"
            case .unhealthy: "HEC is unhealthy, queues are full"
            case .tooLarge: "Request entity too large"
            }
        }
    }

    private struct Questions: Decodable {
        var acks: [UInt64]
    }

    private static let channelHeader = HTTPField.Name("X-Splunk-Request-Channel")

    let state: ServerState
    private var requests: DeliveryRequests { DeliveryRequests(state: state) }

    init(state: ServerState) { self.state = state }

    func register(on router: Router<CustodyRequestContext>) {
        for path in ["/services/collector", "/services/collector/event", "/services/collector/event/1.0"] {
            router.post(RouterPath(path)) { await take($0, $1, isRaw: false) }
        }
        for path in ["/services/collector/raw", "/services/collector/raw/1.0"] {
            router.post(RouterPath(path)) { await take($0, $1, isRaw: true) }
        }
        router.post("/services/collector/ack") { await acknowledge($0, $1) }
        for path in ["/services/collector/health", "/services/collector/health/1.0"] {
            router.get(RouterPath(path)) { _, _ in health() }
        }
    }

    private func take(_ request: Request, _ context: CustodyRequestContext, isRaw: Bool) async -> Response {
        if let refusal = refusal(request, context) { return refusal }
        return await state.answering(request, context, in: Self.answer) {
            let channel = try Self.channel(of: request)
            return try await requests.withSource(named: requests.sourceName(request, context), context) { source in
                var delivery = try await requests.delivery(request)
                guard !delivery.body.isEmpty else { return Self.answer(.badRequest, .noData) }
                var fault: (CollectorEnvelopes.Fault, number: Int)?
                if !isRaw {
                    let limits = ProtocolLimits(state.configuration.intake)
                    let envelopes = try delivery.body.withUnsafeBytes { try CollectorEnvelopes($0, limits: limits) }
                    guard !envelopes.frames.isEmpty else { return Self.answer(.badRequest, .noData) }
                    delivery.frames = envelopes.frames
                    fault = envelopes.fault
                }
                let answer = try await requests.submit(
                    delivery, from: requests.pushSource(source, context), deliveryID: nil)
                // One event that can be kept makes a delivery good: what cannot be read is in the quarantine, not lost.
                guard answer.rejected.isEmpty || !answer.outcomes.isEmpty else {
                    return Self.answer(fault, answer.rejected.first?.position)
                }
                let id = channel.map { state.collectorChannels.acknowledgement(in: Self.key($0, context)) }
                return Self.answer(.ok, .success) { json in if let id { json.member("ackId", Int64(id)) } }
            }
        }
    }

    /// Tells which acknowledgement ids of a channel were handed out, which is when their events were durable.
    private func acknowledge(_ request: Request, _ context: CustodyRequestContext) async -> Response {
        if let refusal = refusal(request, context) { return refusal }
        return await state.answering(request, context, in: Self.answer) {
            guard let channel = try Self.channel(of: request) else { return Self.answer(.badRequest, .channelMissing) }
            let questions: Questions
            do {
                questions = try await RequestJSON.decode(request, context)
            } catch let problem as Problem where problem.status == .badRequest {
                return Self.answer(.badRequest, .invalidDataFormat)
            }
            guard questions.acks.count <= CollectorChannels.maximumQuestions else {
                return Self.answer(.contentTooLarge, .tooLarge)
            }
            let answers = state.collectorChannels.areAcknowledged(questions.acks, in: Self.key(channel, context))
            var json = JSONWriter()
            json.object { json in
                json.member("acks") { json in
                    json.object { json in
                        for (id, isAcknowledged) in Dictionary(zip(questions.acks, answers), uniquingKeysWith: { $1 })
                            .sorted(by: { $0.key < $1.key })
                        {
                            json.member(String(id), isAcknowledged)
                        }
                    }
                }
            }
            return json.response()
        }
    }

    private func health() -> Response {
        state.intake.admission.isFull ? Self.answer(.serviceUnavailable, .unhealthy) : Self.answer(.ok, .healthy)
    }

    /// The channel of a request (header, or parameter), a GUID; nil when it names none.
    ///
    /// - Throws: ``Problem`` `invalid_channel`.
    private static func channel(of request: Request) throws -> String? {
        let header = channelHeader.flatMap { request.headers[$0] }
        guard let channel = header ?? request.uri.queryParameters["channel"].map(String.init), !channel.isEmpty else {
            return nil
        }
        let parts = channel.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.utf8.count) == [8, 4, 4, 4, 12], parts.allSatisfy({ $0.allSatisfy(\.isHexDigit) }) else {
            throw Problem.badRequest("invalid_channel", Code.invalidChannel.text)
        }
        return channel.lowercased()
    }

    /// A channel belongs to the token that uses it.
    private static func key(_ channel: String, _ context: CustodyRequestContext) -> String {
        (context.principal?.id ?? "") + " " + channel
    }

    /// The refusal of who brings no good token, in Splunk's words; nil for the others.
    private func refusal(_ request: Request, _ context: CustodyRequestContext) -> Response? {
        guard context.principal == nil else { return nil }
        let refused: (status: HTTPResponse.Status, code: Code)
        switch context.credential {
        case .none where request.uri.queryParameters["token"] != nil: refused = (.badRequest, .queryAuthorization)
        case .none, .endedSession, .unconfirmedForm: refused = (.unauthorized, .tokenRequired)
        case .unreadable: refused = (.unauthorized, .invalidAuthorization)
        case .refused(let error):
            let isDisabled = error.code == .expiredCredential || error.code == .revokedCredential
            refused = (.forbidden, isDisabled ? .tokenDisabled : .invalidToken)
        case .unavailable:
            var response = Self.answer(.serviceUnavailable, .serverBusy)
            response.headers[.retryAfter] = "60"
            return response
        case .limited(let seconds):
            var response = Self.answer(.tooManyRequests, .serverBusy)
            response.headers[.retryAfter] = String(seconds)
            return response
        }
        // It is put on record here, since no error passes the middleware.
        state.noteDenial(refused.code.text, request.method, context)
        return Self.answer(refused.status, refused.code)
    }

    private static func answer(_ problem: Problem) -> Response {
        switch problem.status {
        case .unauthorized: answer(.unauthorized, .invalidAuthorization)
        case .forbidden: answer(.forbidden, .tokenDisabled)
        case .notFound: answer(.badRequest, .incorrectIndex)
        case .contentTooLarge: answer(.contentTooLarge, .tooLarge)
        case .tooManyRequests, .serviceUnavailable: answer(problem.status, .serverBusy)
        case .badRequest where problem.code == "invalid_channel": answer(.badRequest, .invalidChannel)
        case .badRequest, .unsupportedMediaType: answer(problem.status, .invalidDataFormat)
        default: answer(.internalServerError, .internalError)
        }
    }

    /// The answer to a delivery of which nothing could be kept.
    private static func answer(_ fault: (CollectorEnvelopes.Fault, number: Int)?, _ position: Int?) -> Response {
        guard let (code, number) = fault.map({ (Int64($0.0.rawValue), $0.number) }), let text = fault?.0.text else {
            return answer(.badRequest, .invalidDataFormat) { json in
                if let position { json.member("invalid-event-number", Int64(position)) }
            }
        }
        var json = JSONWriter()
        json.object { json in
            json.member("text", text)
            json.member("code", code)
            json.member("invalid-event-number", Int64(number))
        }
        return json.response(status: .badRequest)
    }

    private static func answer(
        _ status: HTTPResponse.Status, _ code: Code, more: (inout JSONWriter) -> Void = { _ in }
    ) -> Response {
        var json = JSONWriter()
        json.object { json in
            json.member("text", code.text)
            json.member("code", code.rawValue)
            more(&json)
        }
        return json.response(status: status)
    }
}
