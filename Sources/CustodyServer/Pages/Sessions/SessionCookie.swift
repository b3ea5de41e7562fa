import HTTPTypes
import Hummingbird
import Identity

/// The cookie that holds a session.
///
/// Scripts cannot read it (HttpOnly), no other site's page makes a browser send it (SameSite=Strict), and over TLS it is
/// sent over TLS alone and belongs to this host alone (Secure, `__Host-`).
enum SessionCookie {
    static let plainName = "custody_session"
    static let secureName = "__Host-custody_session"

    /// What a browser presents; nil when it presents nothing.
    static func text(in request: Request, isTLS: Bool) -> String? {
        let cookies = request.cookies
        // Over TLS a cookie without the prefix could have been planted over a connection without it.
        return isSecure(request, isTLS: isTLS) ? cookies[secureName]?.value : cookies[plainName]?.value
    }

    static func set(_ session: NewSession, in response: inout Response, _ request: Request, isTLS: Bool) {
        write(
            session.text, seconds: SessionLimits.lifetimeSeconds, in: &response,
            isSecure: isSecure(request, isTLS: isTLS))
    }

    /// Removes both, whichever it was.
    static func clear(in response: inout Response, _ request: Request) {
        for isSecure in [false, true] { write("", seconds: 0, in: &response, isSecure: isSecure) }
    }

    /// Whether a browser may have a session and not have sent it: it came by a link of another site.
    static func mayBeWithheld(_ request: Request) -> Bool {
        guard request.method == .get, let name = HTTPField.Name("Sec-Fetch-Site") else { return false }
        return request.headers[name] == "cross-site"
    }

    /// A proxy that ends TLS says so. Who says it wrongly gets a cookie that their own browser does not send back.
    static func isSecure(_ request: Request, isTLS: Bool) -> Bool {
        guard !isTLS, let name = HTTPField.Name("X-Forwarded-Proto") else { return isTLS }
        return request.headers[name]?.lowercased() == "https"
    }

    private static func write(_ value: String, seconds: Int64, in response: inout Response, isSecure: Bool) {
        let name = isSecure ? secureName : plainName
        response.headers.append(
            HTTPField(
                name: .setCookie,
                value:
                    "\(name)=\(value); Path=/; Max-Age=\(seconds); HttpOnly; SameSite=Strict\(isSecure ? "; Secure" : "")"
            ))
    }
}
