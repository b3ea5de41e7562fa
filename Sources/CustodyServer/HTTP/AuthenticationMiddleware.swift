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
    let failures: CredentialFailures
    let now: @Sendable () -> Timestamp

    func handle(
        _ request: Request, context: CustodyRequestContext,
        next: (Request, CustodyRequestContext) async throws -> Response
    ) async throws -> Response {
        guard let header = request.headers[.authorization] else { return try await next(request, context) }
        var context = context
        let client = context.clientAddress ?? "local"
        if let seconds = failures.retryAfter(client: client, now: now()) {
            context.credential = .limited(retryAfter: seconds)
        } else if let token = Self.token(in: header) {
            do {
                context.principal = try tokens.authenticate(bearer: token, now: now())
            } catch {
                context.credential = .refused(error)
            }
        } else {
            context.credential = .unreadable
        }
        return try await next(request, context)
    }

    /// The token of `Bearer TOKEN`, Splunk's `Splunk TOKEN`, or the password of basic authentication.
    static func token(in header: String) -> String? {
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        let value = parts[1].trimmingCharacters(in: .whitespaces)
        switch parts[0].lowercased() {
        case "bearer", "splunk": return value
        case "basic":
            guard let data = Data(base64Encoded: value), let text = String(data: data, encoding: .utf8),
                let colon = text.firstIndex(of: ":")
            else { return nil }
            return String(text[text.index(after: colon)...])
        default: return nil
        }
    }
}

/// What came of the credential that a request brought.
enum PresentedCredential: Sendable {
    case none
    case refused(AccessError)
    /// The client has presented too many wrong ones lately; this one was not even looked at.
    case limited(retryAfter: Int64)
    case unreadable
}

/// Wrong credentials by client, over all connections.
final class CredentialFailures: Sendable {
    private let limiter = Mutex(FailureLimiter())

    func retryAfter(client: String, now: Timestamp) -> Int64? {
        limiter.withLock { $0.retryAfter(client: client, now: now) }
    }

    func note(client: String, now: Timestamp) {
        limiter.withLock { $0.recordFailure(client: client, now: now) }
    }
}
