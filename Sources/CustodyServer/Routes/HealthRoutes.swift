import AccessControl
import EventModel
import HTTPTypes
import Hummingbird
import Intake

/// `/healthz`, `/readyz`, `/metrics`.
struct HealthRoutes {
    /// A view that is this many events behind is not ready: searches would miss what was acknowledged a second ago.
    static let maximumLag: UInt64 = 100_000

    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/healthz") { _, _ in Self.text(.ok, "ok\n") }
        router.get("/readyz", use: ready)
        router.get("/metrics", use: metrics)
    }

    @Sendable private func ready(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let end = state.intake.committer.end
        var isReady = true
        var json = JSONWriter()
        json.object { json in
            json.member("end", Int64(end.rawValue))
            json.member("views") { json in
                json.object { json in
                    for view in state.views {
                        let lag = end.rawValue - min(end.rawValue, view.cursor.rawValue)
                        isReady = isReady && lag <= Self.maximumLag
                        json.member(view.name) { json in
                            json.object { json in
                                json.member("cursor", Int64(view.cursor.rawValue))
                                json.member("lag", Int64(lag))
                            }
                        }
                    }
                }
            }
            // Searches, and whatever else asks the views, wait for this; deliveries are taken.
            json.member("recovery") { json in
                json.object { json in
                    json.member("over", state.recovery.isOver)
                    json.member("total", Int64(state.recovery.total))
                    json.member("remaining", Int64(state.recovery.remaining))
                }
            }
            // Publication that has stopped is no reason to send nothing here: intake goes on.
            json.member("publication") { state.writePublication(to: &$0) }
            // Told, and no reason to refuse what comes in: the evidence of an attack is what comes in now.
            if let outcome = state.verification.last {
                json.member("integrity", outcome.fault == nil ? "verified" : "failed")
            }
            json.member("ready", isReady)
        }
        return json.response(status: isReady ? .ok : .serviceUnavailable)
    }

    /// Metrics tell of rates and sizes, so they need a token like everything else that is not the public ledger.
    @Sendable private func metrics(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.readConfiguration, for: context.requirePrincipal(), now: state.now())
        var response = Self.text(.ok, state.metrics.text)
        response.headers[.contentType] = "text/plain; version=0.0.4; charset=utf-8"
        return response
    }

    private static func text(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(
            status: status, headers: [.contentType: "text/plain; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: text)))
    }
}
