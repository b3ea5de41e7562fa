import EventModel
import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import CustodyServer

@Suite("The page that verifies evidence")
struct VerificationPageTests {
    @Test("Page, modules and style are served without a token under a policy that lets nothing else in")
    func served() async throws {
        try await TestServer.run { _, client in
            for (path, type) in [
                ("/verify", "text/html"), ("/verify/verify.js", "text/javascript"),
                ("/verify/verify-page.js", "text/javascript"), ("/verify/verify-policy.js", "text/javascript"),
                ("/verify/verify.css", "text/css"),
            ] {
                let answer = try await client.send(.get, path, token: nil)
                #expect(answer.status == 200 && answer.headers[.contentType]?.hasPrefix(type) == true, "\(path)")
                let policy = try #require(answer.headers[.contentSecurityPolicy])
                #expect(policy.hasPrefix("default-src 'none'") && !policy.contains("unsafe"))
                #expect(!answer.text.contains("http://") && !answer.text.contains("https://"), "no address elsewhere")
            }
        }
    }

    @Test("The script knows the format, its labels and the fields that it shows by the numbers that are sealed")
    func agreement() throws {
        let script = String(decoding: PackageResources.verify_js, as: UTF8.self)
        let page = String(decoding: PackageResources.verify_page_js, as: UTF8.self)
        #expect(script.contains("\"\(EvidenceFormat.name)\""))
        let groups = FieldGroup.allCases.map { "\"\($0.name)\"" }.joined(separator: ", ")
        #expect(script.contains("const GROUPS = [\(groups)];"))
        for (field, word) in [
            (Field.time, "time"), (.sourceName, "source"), (.action, "action"), (.outcome, "outcome"),
            (.actorName, "actor"), (.clientIP, "client"),
        ] {
            #expect(page.contains("\(field.rawValue): \"\(word)\""), "\(word)")
        }
    }
}
