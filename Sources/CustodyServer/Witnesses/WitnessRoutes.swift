import HTTPTypes
import Hummingbird
import Ledger

/// A witness' interface, C2SP `tlog-witness`: `POST PREFIX/add-checkpoint` and `GET PREFIX/<origin hash>/checkpoint`.
///
/// Nobody needs a token: what counts is the log's signature.
struct WitnessRoutes: Sendable {
    let witness: Witness
    let counters: WitnessCounters
    /// Where the interface begins, without a final slash; empty for the root.
    let prefix: RouterPath

    func register(on router: some RouterMethods<some RequestContext>) {
        router.group(prefix).post("add-checkpoint", use: add).get(":hash/checkpoint", use: latest)
    }

    @Sendable private func add(_ request: Request, context: some RequestContext) async throws -> Response {
        guard let body = try? await request.body.collect(upTo: AddCheckpointRequest.maximumSize) else {
            counters.note(413)
            return Self.response(413, "text/plain; charset=utf-8", Array("the body is too large\n".utf8))
        }
        let bytes = Array(body.readableBytesView)
        // Two synchronisations are no work for a thread that all requests share.
        let answer = await Task.detached { [witness] in witness.addCheckpoint(bytes) }.value
        counters.note(answer.status)
        return Self.response(answer.status, answer.contentType, answer.body)
    }

    @Sendable private func latest(_ request: Request, context: some RequestContext) async throws -> Response {
        let hash = try context.parameters.require("hash")
        guard let note = try witness.checkpoint(ofOriginHash: hash) else {
            return Self.response(
                404, "text/plain; charset=utf-8", Array("nothing of this log was cosigned\n".utf8))
        }
        return Self.response(200, "text/plain; charset=utf-8", note)
    }

    private static func response(_ status: Int, _ type: String, _ body: [UInt8]) -> Response {
        Response(
            status: .init(code: status), headers: [.contentType: type, .cacheControl: "no-store"],
            body: .init(byteBuffer: ByteBuffer(bytes: body)))
    }
}
