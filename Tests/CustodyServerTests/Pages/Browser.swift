import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Identity
import Testing

@testable import CustodyServer

/// A browser as far as the server can tell: it asks for pages, says where a request comes from, and keeps a cookie.
struct Browser {
    let client: any TestClientProtocol
    var cookie: String?
    var site = "same-origin"

    private var headers: HTTPFields {
        var headers: HTTPFields = [.accept: "text/html,application/xhtml+xml;q=0.9"]
        headers[HTTPField.Name("Sec-Fetch-Site")!] = site
        if let cookie { headers[.cookie] = "\(SessionCookie.plainName)=\(cookie)" }
        return headers
    }

    func get(_ path: String) async throws -> Answer {
        try await client.send(.get, path, token: nil, headers: headers)
    }

    func post(_ path: String, _ fields: KeyValuePairs<String, String>) async throws -> Answer {
        var headers = headers
        headers[.contentType] = "application/x-www-form-urlencoded"
        let body = fields.map { "\($0)=\(PagePath.encoded($1))" }.joined(separator: "&")
        return try await client.send(.post, path, body, token: nil, headers: headers)
    }

    /// What the forms of this browser's session carry.
    var formToken: String { FormToken.text(ofSession: cookie ?? "") }

    /// A browser that has signed in with a token.
    static func signedIn(
        _ client: any TestClientProtocol, token: String = TestServer.adminToken
    ) async throws -> Browser {
        var browser = Browser(client: client)
        let answer = try await browser.post("/sign-in", ["token": token, "next": "/"])
        #expect(answer.status == 303, "\(answer.text)")
        let cookie: String = try #require(answer.sessionCookie)
        browser.cookie = cookie
        return browser
    }
}

extension Answer {
    /// The value of the session's cookie that this answer sets; nil when it sets none, or removes it.
    var sessionCookie: String? {
        for field in headers[values: .setCookie] where field.hasPrefix(SessionCookie.plainName + "=") {
            let value = field.dropFirst(SessionCookie.plainName.count + 1).prefix { $0 != ";" }
            return value.isEmpty ? nil : String(value)
        }
        return nil
    }
}
