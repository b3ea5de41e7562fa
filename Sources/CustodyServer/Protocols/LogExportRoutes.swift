import Connectors
import HTTPTypes
import Hummingbird
import Intake
import NIOCore

/// `POST /v1/logs`: OTLP/HTTP's logs, protobuf and JSON (opentelemetry-proto, docs/specification.md, "OTLP/HTTP").
struct LogExportRoutes {
    enum Encoding: String {
        case protobuf = "application/x-protobuf"
        case json = "application/json"
    }

    let state: ServerState
    private var requests: DeliveryRequests { DeliveryRequests(state: state) }

    init(state: ServerState) { self.state = state }

    func register(on router: Router<CustodyRequestContext>) {
        router.post("/v1/logs") { request, context in
            // An answer has the media type of its request.
            let encoding = Self.encoding(request.headers[.contentType])
            let words: (Problem) -> Response = { RemoteStatus(problem: $0).response(encoding ?? .json) }
            return await state.answering(request, context, in: words) {
                guard let encoding else {
                    throw Problem(
                        .unsupportedMediaType, "unsupported_media_type",
                        "logs are sent as application/x-protobuf or application/json",
                        headers: [.accept: "application/x-protobuf, application/json"])
                }
                return try await take(request, context, encoding)
            }
        }
    }

    private static func encoding(_ header: String?) -> Encoding? {
        let type = (header ?? "").prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
        // The RFC's name for it (draft-ietf-dispatch-mime-protobuf) is sent by some.
        return type == "application/protobuf" ? .protobuf : Encoding(rawValue: type)
    }

    private func take(
        _ request: Request, _ context: CustodyRequestContext, _ encoding: Encoding
    ) async throws -> Response {
        try await requests.withSource(named: requests.sourceName(request, context), context) { source in
            var delivery = try await requests.delivery(request, ofAnyType: true)
            let limits = ProtocolLimits(state.configuration.intake)
            let export = try delivery.body.withUnsafeBytes { body in
                switch encoding {
                case .protobuf: try LogExport(protobuf: body, limits: limits)
                case .json: try LogExport(json: body, limits: limits)
                }
            }
            guard !export.frames.isEmpty else { return Self.response(rejected: 0, reason: nil, encoding) }
            delivery.body = export.body
            delivery.frames = export.frames
            let answer = try await requests.submit(
                delivery, from: requests.pushSource(source, context), deliveryID: nil)
            let reason = answer.rejected.first.map { "record \($0.position): \($0.reason); it is in the quarantine" }
            return Self.response(rejected: answer.rejected.count, reason: reason, encoding)
        }
    }

    /// `ExportLogsServiceResponse`; its `partial_success` is unset when everything was taken.
    private static func response(rejected: Int, reason: String?, _ encoding: Encoding) -> Response {
        switch encoding {
        case .protobuf:
            var message = ProtobufWriter()
            if rejected > 0 {
                var partial = ProtobufWriter()
                partial.field(1, varint: UInt64(rejected))
                partial.field(2, bytes: Array((reason ?? "").utf8))
                message.field(1, bytes: partial.bytes)
            }
            return response(.ok, message.bytes, encoding)
        case .json:
            var json = JSONWriter()
            json.object { json in
                guard rejected > 0 else { return }
                json.member("partialSuccess") { json in
                    json.object { json in
                        json.member("rejectedLogRecords", String(rejected))
                        json.member("errorMessage", reason)
                    }
                }
            }
            return response(.ok, json.bytes, encoding)
        }
    }

    static func response(_ status: HTTPResponse.Status, _ body: [UInt8], _ encoding: Encoding) -> Response {
        Response(
            status: status, headers: [.contentType: encoding.rawValue],
            body: .init(byteBuffer: ByteBuffer(bytes: body)))
    }
}

/// `google.rpc.Status`, as which OTLP's errors are answered.
struct RemoteStatus {
    let status: HTTPResponse.Status
    /// `google.rpc.Code`.
    let code: UInt64
    let message: String

    init(problem: Problem) {
        status = problem.status
        message = problem.detail
        code =
            switch problem.status {
            case .badRequest, .unsupportedMediaType: 3  // INVALID_ARGUMENT
            case .unauthorized: 16  // UNAUTHENTICATED
            case .forbidden: 7  // PERMISSION_DENIED
            case .notFound: 5  // NOT_FOUND
            case .contentTooLarge, .tooManyRequests: 8  // RESOURCE_EXHAUSTED
            case .serviceUnavailable: 14  // UNAVAILABLE
            default: 13  // INTERNAL
            }
    }

    func response(_ encoding: LogExportRoutes.Encoding) -> Response {
        switch encoding {
        case .protobuf:
            var message = ProtobufWriter()
            message.field(1, varint: code)
            message.field(2, bytes: Array(self.message.utf8))
            if status == .badRequest {
                // `details`: an Any of google.rpc.BadRequest with one violation.
                var violation = ProtobufWriter()
                violation.field(2, bytes: Array(self.message.utf8))
                var details = ProtobufWriter()
                details.field(1, bytes: violation.bytes)
                var any = ProtobufWriter()
                any.field(1, bytes: Array(Self.badRequest.utf8))
                any.field(2, bytes: details.bytes)
                message.field(3, bytes: any.bytes)
            }
            return LogExportRoutes.response(status, message.bytes, encoding)
        case .json:
            var json = JSONWriter()
            json.object { json in
                json.member("code", Int64(code))
                json.member("message", message)
                guard status == .badRequest else { return }
                json.member("details") { json in
                    json.array { json in
                        json.object { json in
                            json.member("@type", Self.badRequest)
                            json.member("fieldViolations") { json in
                                json.array { json in json.object { $0.member("description", message) } }
                            }
                        }
                    }
                }
            }
            return LogExportRoutes.response(status, json.bytes, encoding)
        }
    }

    private static let badRequest = "type.googleapis.com/google.rpc.BadRequest"
}
