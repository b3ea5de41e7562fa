import Intake

/// One request to GitHub's REST API.
struct GitHubRequest: Sendable {
    var method = "GET"
    var url: String
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []

    subscript(name: String) -> String? { headers.first { $0.name.lowercased() == name.lowercased() }?.value }
}

/// Sends requests to GitHub. Redirects are not followed: they would take credentials elsewhere.
protocol GitHubTransport: Sendable {
    /// - Throws: ``PullError`` `unavailable`, `malformed` for more bytes than the limit.
    func send(_ request: GitHubRequest, limit: Int) async throws -> PullReply
}

extension HTTPPullTransport: GitHubTransport {
    func send(_ request: GitHubRequest, limit: Int) async throws -> PullReply {
        try await exchange(
            request.method, request.url, headers: request.headers, body: request.body, limit: limit)
    }
}

/// Memory's and GitHub's bounds.
enum GitHubLimits {
    /// The part of an hour's requests that is left to others who use the same credential.
    static let reserve = 0.05
    /// The part that is left to what happens now by what happened long ago.
    static let backfillReserve = 0.3
    /// GitHub's own advice when a secondary limit says nothing of how long.
    static let secondaryLimitSeconds: Int64 = 60
    /// An App's token of one hour is renewed so long before its end.
    static let renewalSeconds: Int64 = 300
    /// A JSON web token may last for ten minutes at most; a minute less leaves room for a clock that is ahead.
    static let tokenSeconds: Int64 = 540
    /// By how much a token's time of issue lies in the past, as GitHub advises for clocks that drift.
    static let driftSeconds: Int64 = 60
    /// How long a list of repositories is good for.
    static let repositoryListSeconds: Int64 = 900
    static let maximumRepositories = 10_000
    static let pageSize = 100
    /// How long GitHub keeps deliveries of webhooks.
    static let deliveryRetentionSeconds: Int64 = 3 * 86_400
    /// Redirects that are followed, after a repository was renamed or transferred.
    static let maximumRedirects = 3
}
