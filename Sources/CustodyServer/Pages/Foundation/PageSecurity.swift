import HTTPTypes

/// The headers that keep a page to itself.
enum PageSecurity {
    /// Scripts, styles and pictures of this server alone, requests to it alone, forms to it alone; nothing written inside a
    /// page is run, no page frames it, and no script can make markup out of text.
    static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        + "require-trusted-types-for 'script'; trusted-types 'none'"

    static func addPageHeaders(to headers: inout HTTPFields) {
        headers[.contentType] = "text/html; charset=utf-8"
        headers[.contentSecurityPolicy] = policy
        // What a page shows is of who asked, at that moment.
        headers[.cacheControl] = "no-store"
        set("Vary", "Cookie, Accept", in: &headers)
        set("Cross-Origin-Opener-Policy", "same-origin", in: &headers)
        set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()", in: &headers)
        set("X-Frame-Options", "DENY", in: &headers)
        addAssetHeaders(to: &headers)
    }

    static func addAssetHeaders(to headers: inout HTTPFields) {
        headers[.xContentTypeOptions] = "nosniff"
        // Not `no-referrer`: browsers then send forms with the origin `null`, as they do for a foreign page's.
        set("Referrer-Policy", "same-origin", in: &headers)
        set("Cross-Origin-Resource-Policy", "same-origin", in: &headers)
    }

    private static func set(_ name: String, _ value: String, in headers: inout HTTPFields) {
        if let name = HTTPField.Name(name) { headers[name] = value }
    }
}
