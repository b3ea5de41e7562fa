import AccessControl
import Foundation
import HTTPTypes
import Hummingbird

extension Request {
    /// Whether a person with a browser asks: programs take anything, browsers ask for pages.
    var wantsPage: Bool { headers[.accept]?.contains("text/html") ?? false }

    /// Path and query, to come back to.
    var target: String { PagePath.safe(head.path ?? "/") }
}

extension ServerState {
    /// Answers with a page for who is signed in; others are sent to sign in, and come back.
    func page(
        _ request: Request, _ context: CustodyRequestContext, _ body: (Principal) async throws -> Page
    ) async throws -> Response {
        guard let principal = context.principal else { return try signInFirst(request, context) }
        return pages.response(try await body(principal), request, context)
    }

    private func signInFirst(_ request: Request, _ context: CustodyRequestContext) throws -> Response {
        switch context.credential {
        case .refused, .limited, .unreadable, .unavailable:
            // A token was shown: who shows tokens is no browser that could sign in.
            _ = try context.requirePrincipal()
        case .none where SessionCookie.mayBeWithheld(request):
            let page = Page(
                title: "One moment", template: "arrive", data: ["target": request.target], refresh: request.target)
            return pages.response(page, request, context)
        case .none, .endedSession, .unconfirmedForm: break
        }
        var place = "/sign-in?next=" + PagePath.encoded(request.target)
        if case .endedSession = context.credential { place += "&ended=1" }
        var response = PagePath.redirect(to: place)
        if case .endedSession = context.credential { SessionCookie.clear(in: &response, request) }
        return response
    }
}

/// Addresses of pages.
enum PagePath {
    private static let unreserved = CharacterSet.alphanumerics.intersection(CharacterSet(charactersIn: "\0"..."\u{7F}"))
        .union(CharacterSet(charactersIn: "-._~"))

    /// For a value of a query.
    static func encoded(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: unreserved) ?? ""
    }

    /// An address with a query; parameters that are nil or empty are left out.
    static func with(_ path: String, _ parameters: KeyValuePairs<String, String?>) -> String {
        let query = parameters.compactMap { name, value in
            value.flatMap { $0.isEmpty ? nil : "\(name)=\(encoded($0))" }
        }
        return query.isEmpty ? path : path + "?" + query.joined(separator: "&")
    }

    /// Where to go after signing in: a page of this server, or home.
    static func safe(_ target: String) -> String {
        guard target.hasPrefix("/"), !target.hasPrefix("//"), !target.hasPrefix("/\\"),
            target.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return "/" }
        return target
    }

    /// After a form: the browser asks for the page anew, so that reloading sends nothing again (RFC 9110 §15.4.4).
    static func redirect(to path: String) -> Response {
        Response(status: .seeOther, headers: [.location: path, .cacheControl: "no-store"])
    }
}
