import AccessControl
import EventModel
import Foundation
import HTTPTypes
import Hummingbird
import Identity
import Synchronization

/// Finds out who asks. It refuses nobody: routes say what they need, so that the public ones stay public and hooks can use
/// the same header for their own secrets.
struct AuthenticationMiddleware: RouterMiddleware {
    typealias Context = CustodyRequestContext

    let tokens: TokenStore
    let sessions: SessionStore
    let workloads: WorkloadIdentities
    let isTLS: Bool
    let failures: CredentialFailures
    let now: @Sendable () -> Timestamp

    func handle(
        _ request: Request, context: CustodyRequestContext,
        next: (Request, CustodyRequestContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        guard let header = request.headers[.authorization] ?? Self.accessKey(of: request) else {
            if let text = SessionCookie.text(in: request, isTLS: isTLS) {
                present(text, request, in: &context)
            } else if request.headers[.origin] == nil, let certificate = context.certificate,
                let workload = workloads.judge(certificate)
            {
                // Browsers show a certificate to whatever page asks for it, with its origin; programs send none.
                context.workload = workload
                context.principal = workload.principal
            }
            return try await next(request, context)
        }
        if let token = Self.token(in: header) {
            do {
                context.principal = try tokens.authenticate(bearer: token, now: now())
            } catch {
                await present(token, unknown: error, in: &context)
            }
        } else {
            context.credential = .unreadable
        }
        return try await next(request, context)
    }

    /// Looks at what is no token of this server's own: it may be a workload's.
    private func present(_ token: String, unknown error: AccessError, in context: inout CustodyRequestContext) async {
        var error = error
        switch await workloads.judge(token) {
        case .workload(let workload):
            context.workload = workload
            context.principal = workload.principal
            return
        case .unavailable:
            context.credential = .unavailable
            return
        case .refused(let reason, let refusal):
            error = reason
            context.refusedWorkload = refusal
        case .unknown: break
        }
        // A good token passes whatever others have tried from its address: behind a proxy all clients share one.
        let seconds = failures.retryAfter(client: context.clientAddress, now: now())
        context.credential = seconds.map { .limited(retryAfter: $0) } ?? .refused(error)
    }

    /// Firehose has a header of its own for its token.
    private static func accessKey(of request: Request) -> String? {
        FirehoseRoutes.accessKey.flatMap { request.headers[$0] }.map { "Bearer " + $0 }
    }

    /// Looks at a browser's session.
    ///
    /// What changes something has to come from this server's own pages and carry the session's form token, in a header here or
    /// in a form that ``PageForm`` reads; until then nobody asks.
    private func present(_ text: String, _ request: Request, in context: inout CustodyRequestContext) {
        do {
            let session = try sessions.authenticate(presented: text, now: now())
            let principal = try session.tokenID.map { try tokens.principal(ofToken: $0, now: now()) }
            let presented = PresentedSession(session, principal: principal ?? session.administrator, text: text)
            context.session = presented
            if Self.isSafe(request.method) || isConfirmed(request, presented) {
                context.principal = presented.principal
            } else {
                context.credential = .unconfirmedForm
            }
        } catch {
            context.credential = .endedSession((error as? AccessError) ?? AccessError(.unknownCredential, "\(error)"))
        }
    }

    private func isConfirmed(_ request: Request, _ session: PresentedSession) -> Bool {
        guard SameOrigin.holds(for: request), let name = HTTPField.Name(Self.formTokenHeader) else { return false }
        return request.headers[name].map { session.accepts(formToken: $0) } ?? false
    }

    /// Where scripts of this server's pages put the form token.
    static let formTokenHeader = "X-Custody-Form-Token"

    /// Methods that change nothing (RFC 9110 §9.2.1).
    private static func isSafe(_ method: HTTPRequest.Method) -> Bool {
        method == .get || method == .head || method == .options
    }

    /// The token of `Bearer TOKEN`, Splunk's `Splunk TOKEN`, Elasticsearch's `ApiKey` (the token, or base64 of `ID:TOKEN`), or the
    /// password of basic authentication.
    static func token(in header: String) -> String? {
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        let value = parts[1].trimmingCharacters(in: .whitespaces)
        switch parts[0].lowercased() {
        case "bearer", "splunk": return value
        case "apikey": return pair(value) ?? value
        case "basic": return pair(value)
        default: return nil
        }
    }

    /// What stands behind the colon of base64's `NAME:SECRET`.
    private static func pair(_ value: String) -> String? {
        guard let data = Data(base64Encoded: value), let text = String(data: data, encoding: .utf8),
            let colon = text.firstIndex(of: ":")
        else { return nil }
        return String(text[text.index(after: colon)...])
    }
}

/// What came of the credential that a request brought.
enum PresentedCredential: Sendable {
    case none
    case refused(AccessError)
    /// It was wrong, as too many before it from this client.
    case limited(retryAfter: Int64)
    case unreadable
    /// A workload's token, whose issuer's keys cannot be read now.
    case unavailable
    /// A browser's session that is over, or never was.
    case endedSession(AccessError)
    /// A browser's session is good, but what it would change does not show that this server's own page asks for it.
    case unconfirmedForm
}

/// Wrong credentials by client, over all connections.
final class CredentialFailures: Sendable {
    private let limiter = Mutex(FailureLimiter())

    func retryAfter(client address: String?, now: Timestamp) -> Int64? {
        limiter.withLock { $0.retryAfter(client: Self.client(address), now: now) }
    }

    func note(client address: String?, now: Timestamp) {
        limiter.withLock { $0.recordFailure(client: Self.client(address), now: now) }
    }

    /// Whom an address stands for: of IPv6 the network of 64 bits, since one host has all of its addresses.
    static func client(_ address: String?) -> String {
        guard let address else { return "local" }
        guard address.contains(":"), let range = AddressRange(cidr: address + "/64") else { return address }
        return String(range.lower.value >> 64, radix: 16)
    }
}
