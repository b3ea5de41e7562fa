import HTTPTypes
import Hummingbird

/// The two pages of a registration: a button to GitHub, and a link to where the App is installed. No scripts.
enum GitHubPage {
    static func start(_ registration: GitHubRegistrations.Registration, manifest: String) -> Response {
        let body = """
            <h1>Connect \(escaped(registration.organization))</h1>
            <p>GitHub will show what the App may read. It may write nothing. GitHub then sends you back here, and its key goes
            straight into this server.</p>
            <form action="\(escaped(registration.action))" method="post">
            <input type="hidden" name="manifest" value="\(escaped(manifest))">
            <button type="submit">Create the GitHub App</button>
            </form>
            """
        return page("Connect GitHub", body, formAction: GitHubSettings.web(registration.api))
    }

    /// - Parameter app: The App's page, as GitHub named it; a link only when it lies at GitHub.
    static func finish(_ registration: GitHubRegistrations.Registration, app: String?) -> Response {
        let web = GitHubSettings.web(registration.api)
        let link =
            app.flatMap { $0.hasPrefix(web + "/") ? $0 + "/installations/new" : nil }
            ?? "\(web)/organizations/\(registration.organization)/settings/apps"
        let body = """
            <h1>One more step</h1>
            <p>The App is registered and its key is kept by the source \(escaped(registration.source)). Now install it on
            \(escaped(registration.organization)): reading begins within a few minutes.</p>
            <p><a href="\(escaped(link))">Install the App</a></p>
            """
        return page("GitHub is connected", body, formAction: nil)
    }

    private static func page(_ title: String, _ body: String, formAction: String?) -> Response {
        let text = """
            <!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>\(escaped(title)) · Custody</title></head><body>
            \(body)
            </body></html>

            """
        let policy =
            "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action \(formAction ?? "'none'")"
        var headers: HTTPFields = [
            .contentType: "text/html; charset=utf-8", .cacheControl: "no-store", .contentSecurityPolicy: policy,
        ]
        headers[.xContentTypeOptions] = "nosniff"
        if let name = HTTPField.Name("Referrer-Policy") { headers[name] = "no-referrer" }
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(string: text)))
    }

    private static func escaped(_ text: String) -> String {
        [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;"), ("'", "&#39;")]
            .reduce(text) { $0.replacing($1.0, with: $1.1) }
    }
}
