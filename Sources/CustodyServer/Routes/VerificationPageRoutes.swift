import HTTPTypes
import Hummingbird

/// `GET /verify`: a page that checks evidence packs in the browser. It needs no token, since the server takes no part in it.
struct VerificationPageRoutes {
    func register(on router: Router<CustodyRequestContext>) {
        router.get("/verify") { _, _ in Self.response(PackageResources.verify_html, "text/html; charset=utf-8") }
        let script = "text/javascript; charset=utf-8"
        router.get("/verify/verify.js") { _, _ in Self.response(PackageResources.verify_js, script) }
        router.get("/verify/verify-page.js") { _, _ in Self.response(PackageResources.verify_page_js, script) }
        router.get("/verify/verify-policy.js") { _, _ in Self.response(PackageResources.verify_policy_js, script) }
        router.get("/verify/verify.css") { _, _ in
            Self.response(PackageResources.verify_css, "text/css; charset=utf-8")
        }
    }

    /// Scripts and styles of this server alone, and requests to it alone: for the tiles of its public ledger.
    private static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    private static func response(_ bytes: [UInt8], _ type: String) -> Response {
        var headers: HTTPFields = [.contentType: type, .cacheControl: "no-cache", .contentSecurityPolicy: policy]
        headers[.xContentTypeOptions] = "nosniff"
        if let name = HTTPField.Name("Referrer-Policy") { headers[name] = "no-referrer" }
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
