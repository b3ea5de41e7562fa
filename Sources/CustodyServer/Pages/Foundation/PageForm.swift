import Foundation
import HTTPTypes
import Hummingbird

/// The fields of a form that a page sent.
struct PageForm {
    /// Bytes of a form: a comment and some names, never events.
    static let maximumBytes = 1 << 16
    /// The field that carries the session's form token.
    static let tokenField = "form_token"

    private let fields: [String: String]

    init(parsing text: String) {
        var fields: [String: String] = [:]
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(parts[0]) else { continue }
            fields[name] = parts.count > 1 ? Self.decoded(parts[1]) ?? "" : ""
        }
        self.fields = fields
    }

    subscript(name: String) -> String { fields[name] ?? "" }

    private static func decoded(_ text: Substring) -> String? {
        text.replacing("+", with: " ").removingPercentEncoding
    }

    /// Reads a form of somebody who is not signed in yet. Only this server's own pages may send it.
    ///
    /// - Throws: ``Problem`` 403 `foreign_form`, 413, 415.
    static func read(_ request: Request) async throws -> PageForm {
        guard SameOrigin.holds(for: request) else { throw Problem.foreignForm }
        guard request.headers[.contentType]?.hasPrefix("application/x-www-form-urlencoded") ?? false else {
            throw Problem(.unsupportedMediaType, "unsupported_media_type", "this takes a form")
        }
        var request = request
        guard let buffer = try? await request.collectBody(upTo: maximumBytes) else {
            throw Problem(.contentTooLarge, "too_large", "the form is larger than \(maximumBytes) bytes")
        }
        return PageForm(parsing: String(buffer: buffer))
    }

    /// Reads a form of somebody who is signed in; from then on the context says who that is.
    ///
    /// - Throws: as ``read(_:)``; ``Problem`` 401 without a session, 403 `stale_form` without its token.
    static func read(_ request: Request, _ context: inout CustodyRequestContext) async throws -> PageForm {
        let form = try await read(request)
        if context.principal == nil, let session = context.session {
            guard session.accepts(formToken: form[tokenField]) else { throw Problem.staleForm }
            context.principal = session.principal
        }
        _ = try context.requirePrincipal()
        return form
    }
}

/// Whether a request comes from this server's own pages, as the browser says.
enum SameOrigin {
    static func holds(for request: Request) -> Bool {
        // Browsers say it outright on safe connections (Fetch Metadata), and by the origin on all.
        if let name = HTTPField.Name("Sec-Fetch-Site"), let site = request.headers[name] {
            return site == "same-origin"
        }
        guard let origin = request.headers[.origin], let authority = request.head.authority else { return false }
        return origin == "http://\(authority)" || origin == "https://\(authority)"
    }
}

extension Problem {
    static let foreignForm = Problem(
        .forbidden, "foreign_form", "this came from another site's page, or from a browser too old to tell")
    static let staleForm = Problem(
        .forbidden, "stale_form", "this form belongs to an earlier session; go back, reload the page and send it again")
}
