import HTTPTypes
import Hummingbird
import Ledger

/// A witness' interface, C2SP `tlog-witness`: `POST PREFIX/add-checkpoint` and `GET PREFIX/<origin hash>/checkpoint`.
///
/// Nobody needs a token: what counts is the log's signature.
struct WitnessRoutes: Sendable {
    private let witness: Witness
    private let queue: WitnessQueue
    private let counters: WitnessCounters
    private let prefix: RouterPath

    /// - Parameter prefix: Where the interface begins, without a final slash; empty for the root.
    init(witness: Witness, counters: WitnessCounters, prefix: RouterPath) {
        self.witness = witness
        queue = WitnessQueue(witness)
        self.counters = counters
        self.prefix = prefix
    }

    func register(on router: some RouterMethods<some RequestContext>) {
        router.group(prefix).post("add-checkpoint", use: add).get(":hash/checkpoint", use: latest)
    }

    @Sendable private func add(_ request: Request, context: some RequestContext) async throws -> Response {
        guard let body = try? await request.body.collect(upTo: AddCheckpointRequest.maximumSize) else {
            counters.note(413)
            return Self.response(413, "text/plain; charset=utf-8", Array("the body is too large\n".utf8))
        }
        let bytes = Array(body.readableBytesView)
        guard let answer = await queue.addCheckpoint(bytes) else {
            counters.note(503)
            return Self.response(503, "text/plain; charset=utf-8", Array("too many requests wait\n".utf8))
        }
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
