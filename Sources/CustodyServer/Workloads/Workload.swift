import AccessControl
import EventModel
import Identity
import Intake

/// A workload that has shown a good token: what the token says of it, and what is bound to that.
struct Workload: Sendable {
    /// One binding that the token fits.
    struct Grant: Sendable {
        let binding: String
        let source: String
        let kinds: [String]
        let use: WorkloadBinding.Use
    }

    let issuer: String
    let subject: String
    /// `jti`.
    let tokenID: String?
    let expires: Timestamp
    /// Never empty, by the bindings' names.
    let grants: [Grant]
    /// What the token says of the job that it was made for, by claim: see ``WorkloadJob``.
    let job: [String: String]
    /// What no other token has; nil for a session, which was exchanged for one.
    let fingerprint: [UInt8]?

    /// Whether it showed a certificate instead of a token.
    var isCertificate = false

    /// Who acts with it.
    var principal: Principal {
        Principal(
            id: "workload:" + (grants.first?.binding ?? ""), kind: .token, name: subject, scopes: [.ingest],
            ingestSources: Set(grants.map(\.source)))
    }

    func grant(for source: String) -> Grant? { grants.first { $0.source == source } }

    /// What is sealed with the events that it sends.
    func mark(for source: String) -> DeliveringWorkload {
        DeliveringWorkload(
            binding: grant(for: source)?.binding ?? "", issuer: issuer, subject: subject, token: tokenID,
            job: WorkloadJob.fields(job))
    }
}

/// Why a token of an issuer that somebody bound to was not taken, for the record of the denial.
struct WorkloadRefusal: Sendable {
    let issuer: String
    let subject: String
    let tokenID: String?
    let reason: String

    /// Bytes that are kept of each text that the token brought.
    static let textLength = 300

    var details: [(String, String)] {
        [("issuer", issuer), ("subject", subject), ("token", tokenID ?? ""), ("why", reason)].filter { !$0.1.isEmpty }
            .map { ($0.0, String(decoding: $0.1.utf8.prefix(Self.textLength), as: UTF8.self)) }
    }
}

/// What tokens of CI systems say of their job, and the fields that this is.
///
/// GitHub: docs.github.com, "OpenID Connect reference". GitLab: docs.gitlab.com, "ID token authentication".
enum WorkloadJob {
    private struct System {
        let name: String
        /// Claims that only its tokens have together.
        let signs: [String]
        let fields: [(claim: String, field: Field)]
    }

    private static let systems = [
        System(
            name: "github-actions", signs: ["repository", "run_id", "workflow"],
            fields: [
                ("repository", .vcsRepo), ("ref", .vcsRef), ("sha", .vcsCommit), ("workflow", .ciPipeline),
                ("run_id", .ciRun), ("run_attempt", .ciAttempt), ("actor", .actorName), ("actor_id", .actorID),
                ("environment", .appEnv),
            ]),
        System(
            name: "gitlab-ci", signs: ["project_path", "pipeline_id", "job_id"],
            fields: [
                ("project_path", .vcsRepo), ("ref", .vcsRef), ("sha", .vcsCommit), ("pipeline_id", .ciRun),
                ("user_login", .actorName), ("user_id", .actorID), ("environment", .appEnv),
            ]),
    ]

    /// The claims that say something of a job; empty when the token is no job's.
    static func claims(of all: [String: [String]]) -> [String: String] {
        guard let system = system(all.keys) else { return [:] }
        let names = Set(system.signs + system.fields.map(\.claim))
        return all.filter { names.contains($0.key) }.compactMapValues(\.first)
    }

    static func fields(_ claims: [String: String]) -> [(field: Field, value: String)] {
        guard let system = system(claims.keys) else { return [] }
        let told = system.fields.compactMap { entry in claims[entry.claim].map { (entry.field, $0) } }
        return [(.ciSystem, system.name)] + told
    }

    private static func system(_ names: some Sequence<String>) -> System? {
        let names = Set(names)
        return systems.first { $0.signs.allSatisfy(names.contains) }
    }
}
