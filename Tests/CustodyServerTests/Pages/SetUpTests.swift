import EventModel
import Foundation
import HTTPTypes
import HummingbirdTesting
import Identity
import Synchronization
import Testing

@testable import CustodyServer

@Suite("The set-up link")
struct SetUpTests {
    @Test("It makes an administrator, once; looking at it, or a browser that is closed, uses nothing up")
    func once() async throws {
        try await TestServer.run { server, client in
            let code = try #require(server.service.setUpCode)
            var browser = Browser(client: client)
            browser.site = "none"
            for _ in 0..<2 {
                let page = try await browser.get("/set-up?code=\(code)")
                #expect(page.status == 200 && page.text.contains("Your name"))
            }
            browser.site = "same-origin"
            let nameless = try await browser.post("/set-up", ["code": code, "name": " "])
            #expect(nameless.status == 400 && nameless.text.contains("1 to 100 bytes"))
            let done = try await browser.post("/set-up", ["code": code, "name": "Ada <Byron>"])
            #expect(done.status == 303 && done.headers[.location] == "/")
            var signedIn = browser
            let cookie: String = try #require(done.sessionCookie)
            signedIn.cookie = cookie
            #expect(try await signedIn.get("/").text.contains("Ada &lt;Byron&gt;"))
            #expect(try await signedIn.get("/v1/tokens").status == 200)

            let again = try await browser.post("/set-up", ["code": code, "name": "Mallory"])
            #expect(again.status == 410 && again.sessionCookie == nil)
            #expect(again.text.contains("was used already") && again.text.contains("If it was not you"))
            #expect(try await browser.get("/set-up?code=\(code)").status == 410)
            let events = try await client.search("source:custody action:session.start", expecting: 1)
            #expect((events.first?["actor"] as? [String: Any])?["name"] as? String == "Ada <Byron>")
        }
    }

    @Test("A wrong code is no link; the page says what to do")
    func wrong() async throws {
        try await TestServer.run { server, client in
            let code = try #require(server.service.setUpCode)
            let changed = String(code.dropLast()) + (code.hasSuffix("1") ? "2" : "1")
            for wrong in ["", "x", changed, code + "1"] {
                let answer = try await Browser(client: client).get("/set-up?code=\(wrong)")
                #expect(answer.status == 410 && answer.text.contains("This is no set-up link"))
            }
        }
    }

    @Test("It expires, and a later start ends those before it; after the set-up no start makes one")
    func expiry() async throws {
        let clock = Mutex(Timestamp(seconds: 1_800_000_000))
        let now: @Sendable () -> Timestamp = { clock.withLock { $0 } }
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("custody-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        let first = Mutex("")
        try await TestServer.run(in: directory, now: now) { server, client in
            let code = try #require(server.service.setUpCode)
            first.withLock { $0 = code }
            clock.withLock { $0 = $0.advanced(byNanoseconds: SessionLimits.setUpSeconds * 1_000_000_000) }
            let answer = try await Browser(client: client).get("/set-up?code=\(code)")
            #expect(answer.status == 410 && answer.text.contains("has expired"))
        }
        try await TestServer.run(in: directory, now: now) { server, client in
            let code = try #require(server.service.setUpCode)
            let old = first.withLock { $0 }
            #expect(code != old)
            #expect(try await Browser(client: client).get("/set-up?code=\(old)").text.contains("has expired"))
            #expect(try await Browser(client: client).post("/set-up", ["code": code, "name": "Ada"]).status == 303)
        }
        try await TestServer.run(in: directory, now: now) { server, _ in #expect(server.service.setUpCode == nil) }
    }

    @Test("A form from another site's page uses nothing up")
    func foreign() async throws {
        try await TestServer.run { server, client in
            let code = try #require(server.service.setUpCode)
            var browser = Browser(client: client)
            browser.site = "cross-site"
            #expect(try await browser.post("/set-up", ["code": code, "name": "Mallory"]).status == 403)
            browser.site = "same-origin"
            #expect(try await browser.post("/set-up", ["code": code, "name": "Ada"]).status == 303)
        }
    }

    @Test("The database holds neither code nor cookie")
    func atRest() async throws {
        try await TestServer.run { server, client in
            let code = try #require(server.service.setUpCode)
            let done = try await Browser(client: client).post("/set-up", ["code": code, "name": "Ada"])
            let cookie: String = try #require(done.sessionCookie)
            for name in ["state.db", "state.db-wal"] {
                let file = server.directory.appendingPathComponent(name)
                guard let bytes = try? Data(contentsOf: file) else { continue }
                #expect(bytes.range(of: Data(code.utf8)) == nil)
                #expect(bytes.range(of: Data(cookie.utf8)) == nil)
            }
        }
    }
}
