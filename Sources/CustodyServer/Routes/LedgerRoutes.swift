import AccessControl
import HTTPTypes
import Hummingbird
import Ledger

/// `/ledger/…`: the public ledger in C2SP tlog-tiles' layout. Checkpoint and hash tiles need no token.
struct LedgerRoutes {
    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/ledger/checkpoint", use: checkpoint)
        router.get("/ledger/tile/**", use: tile)
        router.get("/ledger/keys/:number", use: keyChange)
        router.get("/ledger/vkey", use: verifierKey)
    }

    @Sendable private func checkpoint(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        guard state.ledger.latest != nil else { throw Problem.notFound("no checkpoint is published yet") }
        return Self.response(
            try state.ledger.checkpoint(), type: "text/plain; charset=utf-8", caching: "no-store")
    }

    /// The key as the server states it, for clients that remember it: it is trusted once.
    @Sendable private func verifierKey(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        Self.response(
            Array("\(state.ledgerKey.verifierKey)\n".utf8), type: "text/plain; charset=utf-8", caching: "no-store")
    }

    /// A statement that the ledger's key was changed, signed by both keys; counted from 1.
    @Sendable private func keyChange(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        guard let number = Int(try context.parameters.require("number")),
            let change = try state.ledger.storedKeyChange(number)
        else { throw Problem.notFound("the ledger's key was not changed so often") }
        return Self.response(change, type: "text/plain; charset=utf-8", caching: "public, max-age=604800")
    }

    @Sendable private func tile(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let text = "tile/" + context.parameters.getCatchAll().joined(separator: "/")
        guard let path = try? TilePath(parsing: text) else { throw Problem.notFound("there is no tile of this name") }
        if path.content == .entries, !state.configuration.publicEntries {
            try Authorizer.check(.readEntries, for: context.requirePrincipal(), now: state.now())
            try state.audit.recordRepeated(
                state.auditEntry("ledger.read_entries", activity: "read", context, resource: ("ledger", text)))
        }
        // A tile never changes once it is there; a partial one is superseded, not changed.
        return Self.response(
            try state.ledger.bytes(path), type: "application/octet-stream",
            caching: "public, max-age=31536000, immutable")
    }

    private static func response(_ bytes: [UInt8], type: String, caching: String) -> Response {
        var headers: HTTPFields = [.contentType: type, .cacheControl: caching]
        // Verifiers in browsers read the ledger from anywhere; it is public.
        headers[.accessControlAllowOrigin] = "*"
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
