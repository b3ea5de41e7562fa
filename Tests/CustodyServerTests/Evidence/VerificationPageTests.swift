import EventModel
import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import CustodyServer

@Suite("The page that verifies evidence")
struct VerificationPageTests {
    @Test("Page and modules are served without a token or a session, the modules under lasting addresses too")
    func served() async throws {
        try await TestServer.run { _, client in
            let page = try await client.send(.get, "/verify", token: nil)
            #expect(page.status == 200 && page.text.contains("id=\"vkey\""))
            #expect(page.text.contains(AssetBundle.current.path("verify-page.js")))
            for name in ["verify.js", "verify-policy.js"] {
                let answer = try await client.send(.get, "/verify/\(name)", token: nil)
                #expect(answer.status == 200 && answer.headers[.contentType]?.hasPrefix("text/javascript") == true)
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
