import AccessControl
import EventModel
import Hummingbird
import Intake
import Ledger

/// `GET /v1/integrity`: how large the ledger is, how old its checkpoint, what the last verification found.
struct IntegrityRoutes {
    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/v1/integrity", use: integrity)
    }

    @Sendable private func integrity(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.search, for: context.requirePrincipal(), now: state.now())
        var json = JSONWriter()
        json.object { json in
            json.member("origin", state.ledgerKey.verifierKey.name)
            json.member("vkey", state.ledgerKey.verifierKey.description)
            json.member("size", Int64(state.ledger.size))
            json.member("next_index", Int64(state.intake.committer.end.rawValue))
            if let latest = state.ledger.latest {
                json.member("checkpoint", String(decoding: latest.note.bytes, as: UTF8.self))
            }
            json.member("witnesses") { $0.array { _ in } }
            if let outcome = state.verification.last {
                json.member("last_verification") { json in
                    json.object { json in
                        json.member("time", outcome.time.text)
                        json.member("verified", Int64(outcome.counts.verified))
                        json.member("lawfully_destroyed", Int64(outcome.counts.lawfullyDestroyed))
                        json.member("destroyed_without_authority", Int64(outcome.counts.destroyedWithoutAuthority))
                        json.member("missing", Int64(outcome.counts.missing))
                        json.member("altered", Int64(outcome.counts.altered))
                        json.member("fault", outcome.fault)
                    }
                }
            }
        }
        return json.response()
    }
}
