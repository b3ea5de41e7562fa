import AccessControl
import Connectors
import EventModel
import HTTPTypes
import Hummingbird
import Identity
import Intake

/// Splunk's HTTP Event Collector: `/services/collector`, `/event`, `/raw`, `/health`, each also with `/1.0`.
///
/// Answers are Splunk's own, since its senders look at `code`.
struct SplunkRoutes {
    /// Splunk's codes: help.splunk.com, "HTTP Event Collector: error codes".
    private enum Code: Int64 {
        case success = 0
        case tokenRequired = 2
        case invalidAuthorization = 3
        case invalidToken = 4
        case noData = 5
        case invalidDataFormat = 6
        case serverBusy = 9
        case healthy = 17
    }

    let state: ServerState
    private var requests: DeliveryRequests { DeliveryRequests(state: state) }

    init(state: ServerState) { self.state = state }

    func register(on router: Router<CustodyRequestContext>) {
        for path in ["/services/collector", "/services/collector/event", "/services/collector/event/1.0"] {
            router.post(RouterPath(path)) { try await take($0, $1) { EnvelopeReader.unwrap($0) } }
        }
        for path in ["/services/collector/raw", "/services/collector/raw/1.0"] {
            router.post(RouterPath(path)) { try await take($0, $1) { $0 } }
        }
        for path in ["/services/collector/health", "/services/collector/health/1.0"] {
            router.get(RouterPath(path)) { _, _ in Self.answer(.ok, .healthy, "HEC is healthy") }
        }
    }

    private func take(
        _ request: Request, _ context: CustodyRequestContext, unwrap: ([UInt8]) -> [UInt8]
    ) async throws -> Response {
        guard let principal = context.principal else { return denial(request, context) }
        do {
            // A token that is bound to one source needs no further word; the others name theirs.
            let bound = principal.ingestSources.count == 1 ? principal.ingestSources.first : nil
            let name = request.uri.queryParameters["source"].map(String.init) ?? bound ?? SourceStore.automatic
            return try await requests.withSource(named: name, context) { source in
                var request = request
                var delivery = try await requests.delivery(&request)
                guard !delivery.body.isEmpty else { return Self.answer(.badRequest, .noData, "No data") }
                delivery.body = unwrap(delivery.body)
                let answer = try await requests.submit(
                    delivery, from: requests.deliverySource(source, verified: .token), deliveryID: nil)
                guard answer.rejected.isEmpty || !answer.outcomes.isEmpty else {
                    return Self.answer(.badRequest, .invalidDataFormat, "Invalid data format")
                }
                return Self.answer(.ok, .success, "Success")
            }
        } catch {
            let problem = ProblemMapper.problem(for: error)
            guard problem.status == .tooManyRequests || problem.status == .serviceUnavailable else { throw error }
            var response = Self.answer(problem.status, .serverBusy, "Server is busy")
            response.headers[.retryAfter] = problem.headers[.retryAfter]
            return response
        }
    }

    /// The refusal in Splunk's words. It is put on record here, since no error passes the middleware.
    private func denial(_ request: Request, _ context: CustodyRequestContext) -> Response {
        let refused: (status: HTTPResponse.Status, code: Code, text: String)
        switch context.credential {
        case .none: refused = (.unauthorized, .tokenRequired, "Token is required")
        case .unreadable: refused = (.unauthorized, .invalidAuthorization, "Invalid authorization")
        case .refused: refused = (.forbidden, .invalidToken, "Invalid token")
        case .limited(let seconds):
            var response = Self.answer(.tooManyRequests, .serverBusy, "Server is busy")
            response.headers[.retryAfter] = String(seconds)
            return response
        }
        state.noteDenial(refused.text, request.method, context)
        return Self.answer(refused.status, refused.code, refused.text)
    }

    private static func answer(_ status: HTTPResponse.Status, _ code: Code, _ text: String) -> Response {
        var json = JSONWriter()
        json.object { json in
            json.member("text", text)
            json.member("code", code.rawValue)
        }
        return json.response(status: status)
    }
}

/// Takes events out of HEC's envelopes (`{"time":…,"host":…,"event":{…}}`, one after another).
///
/// An event that is an object stands alone, as its product sent it, so that rules and queries find its members at the root. Any
/// other keeps its envelope, which then holds its time.
enum EnvelopeReader {
    static func unwrap(_ body: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(body.count)
        body.withUnsafeBytes { bytes in
            var splitter = JSONSplitter(bytes)
            let key: StaticString = "event"
            let name = UnsafeRawBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount)
            while let range = splitter.nextValue() {
                let envelope = bytes.slice(range)
                let inner = JSONSplitter(envelope)
                if let start = inner.offset(ofMember: name), envelope[start] == UInt8(ascii: "{") {
                    output.append(contentsOf: envelope.slice(inner.value(at: start)))
                } else {
                    output.append(contentsOf: envelope)
                }
                output.append(UInt8(ascii: "\n"))
            }
        }
        return output
    }
}
