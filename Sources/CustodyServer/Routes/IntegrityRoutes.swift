import AccessControl
import EventModel
import Foundation
import HTTPTypes
import Hummingbird
import Intake
import Ledger

/// `GET /v1/integrity`: how large the ledger is, how publication and witnesses stand, what the last verification found;
/// `GET /v1/integrity/consistency`: the proof between two sizes.
struct IntegrityRoutes {
    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/v1/integrity", use: integrity)
        router.get("/v1/integrity/consistency", use: consistency)
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
            json.member("publication") { state.writePublication(to: &$0) }
            json.member("witnesses") { $0.array { json in writeWitnesses(to: &json) } }
            if !state.copies.statuses.isEmpty {
                json.member("checkpoint_copies") { $0.array { json in writeCopies(to: &json) } }
            }
            json.member("verification_running_since", state.verification.running?.text)
            if let outcome = state.verification.last {
                json.member("last_verification") { json in
                    json.object { json in
                        json.member("time", outcome.time.text)
                        json.member("size", Int64(clamping: outcome.size))
                        json.member("seconds", outcome.duration.components.seconds)
                        json.member("verified", Int64(outcome.counts.verified))
                        json.member("lawfully_destroyed", Int64(outcome.counts.lawfullyDestroyed))
                        json.member("destroyed_without_authority", Int64(outcome.counts.destroyedWithoutAuthority))
                        json.member("missing", Int64(outcome.counts.missing))
                        json.member("altered", Int64(outcome.counts.altered))
                        json.member("fault", outcome.fault)
                    }
                }
            }
            if let news = state.verification.lastNews {
                json.member("last_verification_of_news") { json in
                    json.object { json in
                        json.member("time", news.time.text)
                        json.member("size", Int64(clamping: news.size))
                        json.member("verified", Int64(news.counts.verified))
                        json.member("fault", news.fault)
                    }
                }
            }
        }
        return json.response()
    }

    private func writeWitnesses(to json: inout JSONWriter) {
        let size = state.ledger.size
        for witness in state.cosigning?.statuses ?? [] {
            json.object { json in
                json.member("name", witness.name)
                json.member("url", witness.url)
                json.member("size", Int64(witness.size))
                json.member("lag", Int64(size - min(size, witness.size)))
                if witness.time > 0 { json.member("cosigned", Timestamp(seconds: Int64(witness.time)).text) }
                json.member("failures", Int64(witness.failures))
                json.member("failure", witness.failure?.reason)
            }
        }
    }

    private func writeCopies(to json: inout JSONWriter) {
        for copy in state.copies.statuses {
            json.object { json in
                json.member("target", copy.target)
                json.member("size", Int64(copy.size))
                json.member("failures", Int64(copy.failures))
                json.member("failure", copy.failure)
            }
        }
    }

    /// The consistency proof between two published sizes, which anybody may have: it is made of public hashes.
    @Sendable private func consistency(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let parameters = request.uri.queryParameters
        guard let latest = state.ledger.latest else { throw Problem.notFound("no checkpoint is published yet") }
        func size(_ name: Substring) throws -> UInt64? {
            guard let text = parameters[name] else { return nil }
            guard let size = UInt64(text) else {
                throw Problem.badRequest("invalid_size", "\(name) is the number of leaves of a tree")
            }
            return size
        }
        guard let from = try size("from") else { throw Problem.badRequest("invalid_size", "from is missing") }
        let to = try size("to") ?? latest.checkpoint.size
        guard from <= to else { throw Problem.badRequest("invalid_size", "from is larger than to") }
        guard to <= state.ledger.size else {
            throw Problem.notFound("no tree of \(to) leaves is published; the latest has \(state.ledger.size)")
        }
        let proof = from == 0 ? [] : try state.ledger.consistencyProof(from: from, to: to)
        func root(_ size: UInt64) throws -> String {
            let root = size == 0 ? MerkleHashing.emptyRoot : try state.ledger.root(of: size)
            return Data(root.bytes).base64EncodedString()
        }
        let (fromRoot, toRoot) = (try root(from), try root(to))
        var json = JSONWriter()
        json.object { json in
            json.member("from", Int64(from))
            json.member("to", Int64(to))
            json.member("from_root", fromRoot)
            json.member("to_root", toRoot)
            json.member("proof") { json in
                json.array { json in for hash in proof { json.value(Data(hash.bytes).base64EncodedString()) } }
            }
            if to == latest.checkpoint.size {
                json.member("checkpoint", String(decoding: latest.note.bytes, as: UTF8.self))
            }
        }
        var response = json.response()
        response.headers[.accessControlAllowOrigin] = "*"
        return response
    }
}

extension ServerState {
    /// How publication stands: `current`, `waiting` for witnesses, or `stopped`; since how long; why.
    func writePublication(to json: inout JSONWriter) {
        json.object { json in
            switch publication.hindrance {
            case nil: json.member("state", "current")
            case .quorum(let missing):
                json.member("state", "waiting")
                json.member("reason", missing.isEmpty ? "the witnesses have not answered yet" : missing)
            case .refused(let error):
                json.member("state", "stopped")
                json.member("code", error.code.rawValue)
                json.member("reason", error.reason)
            }
            json.member("size", Int64(ledger.size))
            let end = intake.committer.end.rawValue
            json.member("lag_leaves", Int64(clamping: end - min(end, ledger.size)))
            json.member("lag_seconds", publication.lag(at: .now).components.seconds)
        }
    }
}
