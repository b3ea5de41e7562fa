import HTTPTypes
import Hummingbird
import NIOCore

/// An error answer: RFC 9457 `application/problem+json` with a stable `code` and the request's id, never internals.
struct Problem: Error, Sendable {
    let status: HTTPResponse.Status
    /// Stable, lower case with underscores: what programs decide by.
    let code: String
    /// One sentence for people.
    let detail: String
    var headers: HTTPFields
    /// Further members of the answer, as JSON text, by name.
    var members: [(String, String)] = []

    init(_ status: HTTPResponse.Status, _ code: String, _ detail: String, headers: HTTPFields = [:]) {
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers
    }

    static func badRequest(_ code: String, _ detail: String) -> Problem { Problem(.badRequest, code, detail) }
    static func notFound(_ detail: String) -> Problem { Problem(.notFound, "not_found", detail) }
    static let unauthenticated = Problem(
        .unauthorized, "unauthenticated", "a bearer token is needed", headers: [.wwwAuthenticate: "Bearer"])

    static func forbidden(_ detail: String) -> Problem { Problem(.forbidden, "forbidden", detail) }

    func response(requestID: String) -> Response {
        var json = JSONWriter()
        json.object { json in
            json.member("type", "about:blank")
            json.member("title", status.reasonPhrase)
            json.member("status", Int64(status.code))
            json.member("code", code)
            json.member("detail", detail)
            for (name, value) in members { json.member(name, raw: value) }
            json.member("request_id", requestID)
        }
        var headers = headers
        // A 401 says how to do better (RFC 9110 §11.6.1).
        if status == .unauthorized, headers[.wwwAuthenticate] == nil { headers[.wwwAuthenticate] = "Bearer" }
        headers[.contentType] = "application/problem+json"
        return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: json.bytes)))
    }
}
