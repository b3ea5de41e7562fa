import Connectors
import EventModel
import Foundation
import Intake

/// Speaks to GitHub's REST API for one source: one request at a time, as GitHub asks for, with a credential that is renewed, and
/// never beyond the share of requests that others are left.
actor GitHubClient {
    /// As whom a request is made: the App itself, or the App's installation on the organization (for tokens: the token's owner).
    enum Identity: Hashable, Sendable { case app, member }
    enum Urgency: Sendable { case live, backfill }

    /// What the outside is shown of the connection.
    struct Status: Sendable {
        var budget = GitHubBudget()
        /// GitHub's clock less this machine's, in seconds.
        var skew: Int64 = 0
        var requests = 0
        var unchanged = 0
    }

    let settings: GitHubSettings
    private let transport: any GitHubTransport
    private let now: @Sendable () -> Timestamp
    private let limit: Int
    private var budgets: [Identity: GitHubBudget] = [:]
    private var skew: Int64 = 0
    private var requests = 0
    private var unchanged = 0
    private var assertion: (token: String, expires: Int64)?
    private var installation: Int64?
    private var access: (token: String, expires: Int64)?
    private var isBusy = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// - Parameter limit: Bytes of an answer.
    init(
        _ settings: GitHubSettings, transport: any GitHubTransport, limit: Int,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.settings = settings
        self.transport = transport
        self.limit = limit
        self.now = now
    }

    var status: Status {
        Status(budget: budgets[.member] ?? GitHubBudget(), skew: skew, requests: requests, unchanged: unchanged)
    }

    /// Gets a page.
    ///
    /// - Parameters:
    ///   - target: A path, or an address that an answer of this API named.
    ///   - etag: Of an earlier answer; when nothing changed since, that costs no request of the hour's.
    /// - Throws: ``GitHubPause``; ``PullError``. Refusals of this one thing are answered: ``GitHubReply/isMissing``.
    func get(
        _ target: String, as identity: Identity = .member, etag: String? = nil, urgency: Urgency = .live
    ) async throws -> GitHubReply {
        try await exchange("GET", target, as: identity, etag: etag, urgency: urgency)
    }

    /// Asks for something to be done.
    ///
    /// - Throws: As ``get(_:as:etag:urgency:)``.
    func post(_ target: String, as identity: Identity) async throws -> GitHubReply {
        try await exchange("POST", target, as: identity, etag: nil, urgency: .live)
    }

    private func exchange(
        _ method: String, _ target: String, as identity: Identity, etag: String?, urgency: Urgency
    ) async throws -> GitHubReply {
        var address = try address(target)
        await takeTurn()
        defer { giveTurn() }
        try Task.checkCancellation()
        if let until = budgets[identity]?.wait(for: urgency, now: now().seconds) { throw GitHubPause(until: until) }
        var isRenewed = false
        var redirects = 0
        while true {
            let credential = try await credential(identity)
            let reply = try await send(method, address, credential, etag: etag, identity)
            switch reply.status {
            case 401 where !isRenewed:
                // The token was revoked before its time, or our clock is wrong, which this answer told us.
                isRenewed = true
                assertion = nil
                access = nil
            case 301, 302, 307, 308:
                redirects += 1
                guard redirects <= GitHubLimits.maximumRedirects, let location = reply["Location"] else {
                    throw PullError(.malformed, "too many redirects")
                }
                address = try self.address(location)
            default: return try judge(reply, identity)
            }
        }
    }

    /// Credentials go only where the operator sent them.
    private func address(_ target: String) throws -> String {
        if target.hasPrefix("/") { return settings.api + target }
        guard target.hasPrefix(settings.api + "/") else {
            throw PullError(.malformed, "GitHub names an address outside its API")
        }
        return target
    }

    private func send(
        _ method: String, _ address: String, _ credential: String, etag: String?, _ identity: Identity
    ) async throws -> PullReply {
        var request = GitHubRequest(method: method, url: address)
        request.headers = [
            ("Authorization", "Bearer \(credential)"), ("Accept", "application/vnd.github+json"),
            ("X-GitHub-Api-Version", "2022-11-28"), ("User-Agent", "custody"),
        ]
        if let etag { request.headers.append(("If-None-Match", etag)) }
        requests += 1
        let reply = try await transport.send(request, limit: limit)
        if let date = reply["Date"].flatMap(HTTPDate.seconds) { skew = date - now().seconds }
        budgets[identity, default: GitHubBudget()].note(reply, skew: skew)
        if reply.status == 304 { unchanged += 1 }
        return reply
    }

    private func judge(_ reply: PullReply, _ identity: Identity) throws -> GitHubReply {
        switch reply.status {
        case 200..<300, 304: return GitHubReply(reply)
        case 401:
            throw PullError(.denied, "GitHub refuses the credential: \(GitHubReply.message(reply.body))")
        case 403, 429:
            guard let seconds = patience(reply) else { return GitHubReply(reply) }
            budgets[identity, default: GitHubBudget()].blockedUntil = now().seconds + seconds
            throw PullError(.limited, "GitHub's rate limit is reached", retryAfterSeconds: seconds)
        case 404, 409, 410, 422, 451: return GitHubReply(reply)
        case 500...:
            throw PullError(
                .unavailable, "GitHub answers status \(reply.status)",
                retryAfterSeconds: reply["Retry-After"].flatMap { Int64($0) })
        default: throw PullError(.malformed, "GitHub answers status \(reply.status)")
        }
    }

    /// How long a refusal asks to wait; nil when it is no matter of too many requests (docs.github.com, "Rate limits for the REST
    /// API": exceeding the rate limit).
    private func patience(_ reply: PullReply) -> Int64? {
        if let seconds = reply["Retry-After"].flatMap({ Int64($0) }), seconds >= 0 { return max(1, seconds) }
        if reply["X-RateLimit-Remaining"] == "0", let reset = reply["X-RateLimit-Reset"].flatMap({ Int64($0) }) {
            return max(1, reset - skew - now().seconds)
        }
        let message = GitHubReply.message(reply.body).lowercased()
        let isSecondary = reply.status == 429 || message.contains("rate limit") || message.contains("abuse")
        return isSecondary ? GitHubLimits.secondaryLimitSeconds : nil
    }

    // MARK: Credentials

    private func credential(_ identity: Identity) async throws -> String {
        guard case .app(let id, let key) = settings.credential else {
            guard case .token(let token) = settings.credential else {
                throw PullError(.denied, "there is no credential")
            }
            return token
        }
        return try await identity == .app ? appToken(id, key) : installationToken(id, key)
    }

    /// The App's own token, for ten minutes at most (docs.github.com, "Generating a JSON Web Token (JWT) for a GitHub App").
    private func appToken(_ id: Int64, _ key: RSASigningKey) throws -> String {
        // By GitHub's clock, as its last answer told it: a token from the future or the past is refused.
        let moment = now().seconds + (abs(skew) > GitHubLimits.driftSeconds / 2 ? skew : 0)
        if let assertion, assertion.expires > moment + GitHubLimits.driftSeconds { return assertion.token }
        let (issued, expires) = (moment - GitHubLimits.driftSeconds, moment + GitHubLimits.tokenSeconds)
        let token = try key.token(claims: "{\"iat\":\(issued),\"exp\":\(expires),\"iss\":\"\(id)\"}")
        assertion = (token, expires)
        return token
    }

    /// A token of the installation, good for an hour.
    private func installationToken(_ id: Int64, _ key: RSASigningKey) async throws -> String {
        if let access, access.expires > now().seconds + GitHubLimits.renewalSeconds { return access.token }
        let number = try await installationID(id, key)
        let reply = try await asApp("POST", "/app/installations/\(number)/access_tokens", id, key)
        guard reply.status == 201 else {
            installation = nil
            throw PullError(
                .denied,
                "GitHub gives the App no token for \(settings.organization) (status \(reply.status)): \(reply.message)")
        }
        let made = try? JSONParser().withDocument(reply.body) { ($0.text("token"), $0.seconds("expires_at")) }
        guard let token = made?.0, let expires = made?.1 else {
            throw PullError(.malformed, "GitHub's token for the App cannot be read")
        }
        access = (token, expires - skew)
        return token
    }

    private func installationID(_ id: Int64, _ key: RSASigningKey) async throws -> Int64 {
        if let installation { return installation }
        let reply = try await asApp("GET", "/orgs/\(settings.organization)/installation", id, key)
        guard reply.status == 200 else {
            throw PullError(
                .denied,
                "the App \(id) is not installed on \(settings.organization) (status \(reply.status)): \(reply.message)")
        }
        guard let number = (try? JSONParser().withDocument(reply.body) { $0["id"]?.int64 }) ?? nil else {
            throw PullError(.malformed, "GitHub's answer about the installation cannot be read")
        }
        installation = number
        return number
    }

    /// A request within a request: the turn is ours already.
    private func asApp(_ method: String, _ path: String, _ id: Int64, _ key: RSASigningKey) async throws -> GitHubReply
    {
        var reply = try await send(method, settings.api + path, try appToken(id, key), etag: nil, .app)
        if reply.status == 401 {
            assertion = nil
            reply = try await send(method, settings.api + path, try appToken(id, key), etag: nil, .app)
        }
        return try judge(reply, .app)
    }

    // MARK: Turns

    private func takeTurn() async {
        guard isBusy else {
            isBusy = true
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    private func giveTurn() {
        if waiting.isEmpty { isBusy = false } else { waiting.removeFirst().resume() }
    }
}
