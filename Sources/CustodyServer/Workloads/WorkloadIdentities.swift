import AccessControl
import Connectors
import EventModel
import HTTPTypes
import Identity
import Synchronization

/// What became of workloads' tokens, over all bindings.
final class WorkloadCounters: Sendable {
    let accepted = Atomic<Int>(0)
    let refused = Atomic<Int>(0)
    let replayed = Atomic<Int>(0)
    let keyFetches = Atomic<Int>(0)
    let keyFailures = Atomic<Int>(0)
}

/// Judges the tokens with which workloads say who they are.
final class WorkloadIdentities: Sendable {
    /// What a bearer text turned out to be.
    enum Finding: Sendable {
        case workload(Workload)
        /// Nothing that somebody here bound anything to.
        case unknown
        case refused(AccessError, WorkloadRefusal)
        /// It cannot be judged now.
        case unavailable
    }

    /// What happened with one binding since the start.
    struct Tally: Sendable {
        var accepted = 0
        var refused = 0
        var lastAccepted: Timestamp?
        var lastRefused: Timestamp?
        var lastRefusal: String?
    }

    let bindings: WorkloadBindingStore
    let keySets: KeySets
    let counters: WorkloadCounters
    private let used: UsedTokenStore
    private let sessions: WorkloadSessions
    private let now: @Sendable () -> Timestamp
    private let tallies = Mutex<[String: Tally]>([:])

    init(
        bindings: WorkloadBindingStore, used: UsedTokenStore, keySets: KeySets, counters: WorkloadCounters,
        box: SecretBox, now: @escaping @Sendable () -> Timestamp
    ) {
        self.bindings = bindings
        self.used = used
        self.keySets = keySets
        self.counters = counters
        sessions = WorkloadSessions(box: box)
        self.now = now
    }

    func tally(of binding: String) -> Tally { tallies.withLock { $0[binding] } ?? Tally() }

    /// Tokens that were used and have not expired.
    var usedTokens: Int { (try? used.count) ?? 0 }

    /// Looks at what a request brought as bearer. It may wait for the issuer's keys.
    func judge(_ bearer: String) async -> Finding {
        if WorkloadSessions.isLikely(bearer) { return judge(session: bearer) }
        guard WorkloadToken.isLikely(bearer), let token = try? WorkloadToken(bearer) else { return .unknown }
        let candidates = bindings.bindings(of: token.issuer)
        guard token.issuer != WorkloadBinding.certificates, !candidates.isEmpty else { return .unknown }
        var trusted: [WorkloadBinding] = []
        var isUnavailable = false
        for (place, own) in Dictionary(grouping: candidates, by: Self.place) {
            do {
                let keys = try await keySets.keys(at: place, for: token.keyID)
                if token.isSigned(by: keys) { trusted += own }
            } catch {
                isUnavailable = true
                note(refusal: (error as? KeySetFailure)?.reason ?? "its keys cannot be read", of: own)
            }
        }
        guard !trusted.isEmpty else {
            guard !isUnavailable else { return .unavailable }
            return refuse(
                token, candidates, AccessError(.unknownCredential, "no key of the issuer made this token's signature"))
        }
        do {
            try token.checkTimes(now: now())
        } catch {
            let isStale = (error as? ConnectorError)?.code == .staleSignature
            let reason = (error as? ConnectorError)?.reason ?? "the token is not good now"
            return refuse(
                token, trusted, AccessError(isStale ? .expiredCredential : .unknownCredential, reason))
        }
        return match(token, trusted)
    }

    private func match(_ token: WorkloadToken, _ trusted: [WorkloadBinding]) -> Finding {
        var fitting: [WorkloadBinding] = []
        var reasons: [String] = []
        for binding in trusted.sorted(by: { $0.name < $1.name }) {
            guard let claim = binding.mismatch(audiences: token.audiences, claims: token.claims) else {
                fitting.append(binding)
                continue
            }
            reasons.append("\(binding.name): \(claim)")
            note(refusal: "the claim \(claim) says something else", of: [binding])
        }
        guard !fitting.isEmpty else {
            counters.refused.add(1, ordering: .relaxed)
            return .refused(
                AccessError(.unknownCredential, "nothing here is bound to what this token says of its holder"),
                refusal(of: token, "does not fit " + reasons.prefix(8).joined(separator: ", ")))
        }
        noteAccepted(fitting)
        return .workload(
            Workload(
                issuer: token.issuer, subject: token.claims["sub"]?.first ?? "", tokenID: token.id,
                expires: token.expires, grants: fitting.map(Workload.Grant.init),
                job: WorkloadJob.claims(of: token.claims), fingerprint: token.fingerprint))
    }

    /// Who a client's certificate lets in; nil when nothing is bound to it, as for clients that show one and use a token.
    func judge(_ certificate: PeerCertificate) -> Workload? {
        let fitting = bindings.bindings(of: WorkloadBinding.certificates).filter {
            $0.mismatch(audiences: [], claims: certificate.claims) == nil
        }
        guard !fitting.isEmpty else { return nil }
        noteAccepted(fitting)
        return Workload(
            issuer: WorkloadBinding.certificates, subject: certificate.subject, tokenID: certificate.fingerprint,
            expires: certificate.expires, grants: fitting.map(Workload.Grant.init), job: [:], fingerprint: nil,
            isCertificate: true)
    }

    private func noteAccepted(_ bindings: [WorkloadBinding]) {
        counters.accepted.add(1, ordering: .relaxed)
        let moment = now()
        tallies.withLock { tallies in
            for binding in bindings {
                tallies[binding.name, default: Tally()].accepted += 1
                tallies[binding.name]?.lastAccepted = moment
            }
        }
    }

    private func judge(session text: String) -> Finding {
        guard let session = sessions.open(text) else { return .unknown }
        let refusal = { (reason: String) in
            WorkloadRefusal(issuer: session.issuer, subject: session.subject, tokenID: session.token, reason: reason)
        }
        guard now().seconds < session.expires else {
            counters.refused.add(1, ordering: .relaxed)
            return .refused(AccessError(.expiredCredential, "this session has expired"), refusal("expired session"))
        }
        let fitting = session.bindings.compactMap { entry in
            bindings.binding(named: entry.key).flatMap { $0.created.nanoseconds == entry.value ? $0 : nil }
        }
        guard !fitting.isEmpty else {
            counters.refused.add(1, ordering: .relaxed)
            return .refused(
                AccessError(.revokedCredential, "what this session was bound to is gone"), refusal("removed binding"))
        }
        noteAccepted(fitting)
        return .workload(
            Workload(
                issuer: session.issuer, subject: session.subject, tokenID: session.token,
                expires: Timestamp(seconds: session.expires),
                grants: fitting.sorted { $0.name < $1.name }.map(Workload.Grant.init), job: session.job,
                fingerprint: nil))
    }

    /// Notes that a token is used for a delivery to a source; nil for an exchange.
    ///
    /// - Throws: ``AccessError`` `usedCredential`; ``Problem`` 503 when no more uses can be remembered.
    func use(_ workload: Workload, for source: String?) async throws {
        let grants = source.flatMap { workload.grant(for: $0) }.map { [$0] } ?? workload.grants
        guard let fingerprint = workload.fingerprint, grants.contains(where: { $0.use == .once }) else { return }
        let end = workload.expires.advanced(byNanoseconds: WorkloadToken.leewaySeconds * 1_000_000_000)
        switch try await used.note(fingerprint, expires: end, now: now()) {
        case .first: return
        case .again:
            counters.replayed.add(1, ordering: .relaxed)
            for grant in grants { noteRefusal("a token was shown again", of: grant.binding) }
            throw AccessError(
                .usedCredential, "this token was used before; it is good for one request, or one exchange for a session"
            )
        case .full:
            throw Problem(
                .serviceUnavailable, "too_many_tokens", "too many tokens were used lately",
                headers: [.retryAfter: "60"])
        }
    }

    /// Takes a use back, when nothing came of the request.
    func release(_ workload: Workload) async {
        guard let fingerprint = workload.fingerprint else { return }
        try? await used.forget(fingerprint)
    }

    /// A session in the token's place, for as long as the token would have lasted.
    func session(of workload: Workload) throws -> String {
        var names: [String: Int64] = [:]
        for grant in workload.grants {
            names[grant.binding] = bindings.binding(named: grant.binding)?.created.nanoseconds
        }
        return try sessions.text(
            WorkloadSessions.Session(
                bindings: names, issuer: workload.issuer, subject: workload.subject, token: workload.tokenID,
                expires: workload.expires.seconds, job: workload.job))
    }

    // MARK: Refusals

    private func refuse(
        _ token: WorkloadToken, _ bindings: [WorkloadBinding], _ error: AccessError
    ) -> Finding {
        counters.refused.add(1, ordering: .relaxed)
        note(refusal: error.reason, of: bindings)
        return .refused(error, refusal(of: token, error.reason))
    }

    private func refusal(of token: WorkloadToken, _ reason: String) -> WorkloadRefusal {
        WorkloadRefusal(
            issuer: token.issuer, subject: token.claims["sub"]?.first ?? "", tokenID: token.id, reason: reason)
    }

    private func note(refusal reason: String, of bindings: [WorkloadBinding]) {
        for binding in bindings { noteRefusal(reason, of: binding.name) }
    }

    private func noteRefusal(_ reason: String, of binding: String) {
        let moment = now()
        tallies.withLock { tallies in
            tallies[binding, default: Tally()].refused += 1
            tallies[binding]?.lastRefused = moment
            tallies[binding]?.lastRefusal = reason
        }
    }

    /// Forgets what happened with a binding that is gone.
    func forget(_ binding: String) { tallies.withLock { $0[binding] = nil } }

    static func place(_ binding: WorkloadBinding) -> KeyPlace {
        switch binding.keys {
        case .discovery: .issuer(binding.issuer)
        case .url(let url): .url(url)
        case .pasted(let set): .pasted(set)
        }
    }
}

extension Workload.Grant {
    init(_ binding: WorkloadBinding) {
        self.init(binding: binding.name, source: binding.source, kinds: binding.kinds, use: binding.use)
    }
}
