import AccessControl
import HTTPTypes
import Hummingbird
import NIOCore

/// What a request carries through the routes: who asks, from where.
struct CustodyRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// Who asks; nil without a good credential.
    var principal: Principal?
    /// What became of the credential when there is no principal.
    var credential = PresentedCredential.none
    /// The workload that asks, where it has shown a token of its issuer.
    var workload: Workload?
    /// Why a workload's token was not taken.
    var refusedWorkload: WorkloadRefusal?
    /// The browser's session, whether or not it may do what is asked.
    var session: PresentedSession?
    /// The peer's address, without port; nil for sockets that have none.
    let clientAddress: String?
    /// The connection that the request came by; nil for requests of tests.
    private let connection: ClientConnection?

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        clientAddress = source.channel.remoteAddress?.ipAddress
        connection = ClientConnection.of(source.channel)
    }

    /// Who the client's certificate says it is, where the listener asks for certificates and it has one.
    var certificate: PeerCertificate? { connection?.certificate }

    /// Runs what may take long as long as somebody waits for the answer.
    ///
    /// - Throws: ``Problem`` 499 when the client has gone, which nobody reads but the log and the metrics.
    func whileConnected<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        guard let connection else { return try await body() }
        do {
            return try await connection.whileOpen(body)
        } catch is CancellationError {
            throw Problem(
                .init(code: 499, reasonPhrase: "Client Closed Request"), "client_gone", "the client has gone")
        }
    }

    /// Whether a workload's token was brought that is not taken, or cannot be judged now.
    var isRefusedWorkload: Bool {
        if case .unavailable = credential { return true }
        return refusedWorkload != nil
    }

    /// Bodies of deliveries are collected by their routes with the limits of intake; this is for the rest.
    var maxUploadSize: Int { 1 << 20 }

    /// The caller, whoever it is.
    ///
    /// - Throws: 401 without a good credential, 429 after too many wrong ones.
    func requirePrincipal() throws -> Principal {
        if let principal { return principal }
        switch credential {
        case .none: throw Problem.unauthenticated
        case .unreadable:
            throw Problem(
                .unauthorized, "unauthenticated", "the Authorization header holds no bearer token",
                headers: [.wwwAuthenticate: "Bearer"])
        case .refused(let error):
            throw Problem(
                .unauthorized, error.code.rawValue, error.reason,
                headers: [.wwwAuthenticate: "Bearer error=\"invalid_token\""])
        case .unavailable:
            throw Problem(
                .serviceUnavailable, "identity_unavailable",
                "the keys of this token's issuer cannot be read now", headers: [.retryAfter: "60"])
        case .endedSession(let error):
            throw Problem(.unauthorized, error.code.rawValue, error.reason)
        case .unconfirmedForm:
            throw Problem(
                .forbidden, "unconfirmed_form",
                "changes by a browser's session come from this server's own pages and carry their form token")
        case .limited(let seconds):
            throw Problem(
                .tooManyRequests, AccessError.Code.tooManyFailures.rawValue,
                "too many wrong credentials from this address", headers: [.retryAfter: String(seconds)])
        }
    }
}
