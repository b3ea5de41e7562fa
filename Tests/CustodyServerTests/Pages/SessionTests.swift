import AccessControl
import EventModel
import Foundation
import HTTPTypes
import HummingbirdTesting
import Identity
import Synchronization
import Testing

@testable import CustodyServer

@Suite("Sessions of browsers")
struct SessionTests {
    @Test("A token is shown once; the cookie then opens pages and the interface alike, until the browser signs out")
    func signInAndOut() async throws {
        try await TestServer.run { _, client in
            let browser = try await Browser.signedIn(client)
            let home = try await browser.get("/")
            #expect(home.status == 200 && home.text.contains("first admin token"))
            #expect(try await browser.get("/v1/search?q=*").status == 200)
            let out = try await browser.post("/sign-out", ["form_token": browser.formToken])
            #expect(out.status == 303 && out.headers[.location] == "/sign-in?out=1")
            #expect(out.headers[values: .setCookie].allSatisfy { $0.contains("Max-Age=0") })
            let after = try await browser.get("/")
            #expect(after.headers[.location] == "/sign-in?next=%2F&ended=1")
            #expect(try await browser.get("/v1/search?q=*").status == 401)
        }
    }

    @Test("The cookie is kept from scripts and from other sites; over TLS it is bound to the host and to TLS")
    func cookie() async throws {
        try await TestServer.run { _, client in
            let fields = "token=\(TestServer.adminToken)&next=/"
            for (proto, name) in [("http", "custody_session="), ("https", "__Host-custody_session=")] {
                let answer = try await client.send(
                    .post, "/sign-in", fields, token: nil,
                    headers: [
                        .contentType: "application/x-www-form-urlencoded",
                        HTTPField.Name("Sec-Fetch-Site")!: "same-origin", HTTPField.Name("X-Forwarded-Proto")!: proto,
                    ])
                let cookie = try #require(answer.headers[.setCookie])
                #expect(cookie.hasPrefix(name) && cookie.contains("; HttpOnly; SameSite=Strict"))
                #expect(cookie.contains("; Path=/;") && !cookie.contains("Domain"))
                #expect(cookie.hasSuffix("; Secure") == (proto == "https"))
            }
        }
    }

    @Test("A wrong token is told in place and on record; too many make that address wait")
    func wrongToken() async throws {
        let clock = StandingClock()
        try await TestServer.run(now: { clock.now }) { server, client in
            let browser = Browser(client: client)
            let answer = try await browser.post("/sign-in", ["token": "custody_wrong", "next": "/alerts"])
            #expect(answer.status == 401 && answer.sessionCookie == nil)
            #expect(answer.text.contains("This token is not known.") && answer.text.contains("value=\"/alerts\""))
            #expect(!answer.text.contains("custody_wrong"))
            clock.stand()
            for _ in 0..<FailureLimiter.defaultFailuresPerWindow {
                _ = try await browser.post("/sign-in", ["token": "custody_wrong"])
            }
            let refused = try await browser.post("/sign-in", ["token": "custody_wrong"])
            #expect(refused.status == 429 && refused.headers[.retryAfter] != nil)
            clock.run()
            await server.service.state.audit.flush()
            _ = try await client.search("source:custody action:access.deny", expecting: 2)
        }
    }

    @Test("A token that can only send events begins no session")
    func ingestToken() async throws {
        try await TestServer.run { server, client in
            let token = try server.service.state.tokens.create(
                name: "ci", scopes: [.ingest], now: server.service.state.now())
            let answer = try await Browser(client: client).post("/sign-in", ["token": token.text])
            #expect(answer.status == 403 && answer.sessionCookie == nil)
            #expect(answer.text.contains("can only send events"))
        }
    }

    @Test("A session ends with the token that it was begun with")
    func revokedToken() async throws {
        try await TestServer.run { server, client in
            let state = server.service.state
            let token = try state.tokens.create(name: "desk", scopes: [.read], now: state.now())
            let browser = try await Browser.signedIn(client, token: token.text)
            #expect(try await browser.get("/").status == 200)
            try state.tokens.revoke(id: token.token.id, now: state.now())
            #expect(try await browser.get("/").headers[.location]?.hasSuffix("ended=1") == true)
        }
    }

    @Test("A session ends after a day, or after two hours without use")
    func expiry() async throws {
        let clock = Mutex(Timestamp(seconds: 1_800_000_000))
        let advance: @Sendable (Int64) -> Void = { seconds in
            clock.withLock { $0 = $0.advanced(byNanoseconds: seconds * 1_000_000_000) }
        }
        try await TestServer.run(now: { clock.withLock { $0 } }) { _, client in
            let idle = try await Browser.signedIn(client)
            advance(SessionLimits.idleSeconds - 1)
            #expect(try await idle.get("/you").status == 200)
            advance(SessionLimits.idleSeconds)
            #expect(try await idle.get("/you").status == 303)
            let busy = try await Browser.signedIn(client)
            for _ in 0..<(SessionLimits.lifetimeSeconds / 3_600 - 1) {
                advance(3_600)
                #expect(try await busy.get("/you").status == 200)
            }
            advance(3_600)
            let ended = try await busy.get("/alerts?status=open")
            #expect(ended.status == 303)
        }
    }

    @Test("Changes need the session's form token and come from this server's pages")
    func foreignForms() async throws {
        try await TestServer.run { _, client in
            let browser = try await Browser.signedIn(client)
            let fields: KeyValuePairs = ["theme": "dark", "form_token": browser.formToken]
            #expect(try await browser.post("/you/settings", fields).status == 303)
            var foreign = browser
            foreign.site = "cross-site"
            let refused = try await foreign.post("/you/settings", fields)
            #expect(refused.status == 403 && refused.text.contains("foreign_form"))
            let stale = try await browser.post("/you/settings", ["theme": "dark", "form_token": "0123"])
            #expect(stale.status == 403 && stale.text.contains("stale_form"))
            #expect(try await browser.post("/you/settings", ["theme": "dark"]).status == 403)
            // Signing somebody in as somebody else is a change, too.
            #expect(try await foreign.post("/sign-in", ["token": TestServer.adminToken]).status == 403)
        }
    }

    @Test("The interface takes changes by a session only with the form token in a header")
    func interface() async throws {
        try await TestServer.run { _, client in
            let browser = try await Browser.signedIn(client)
            func create(_ token: String?, site: String = "same-origin") async throws -> Answer {
                var headers: HTTPFields = [.cookie: "\(SessionCookie.plainName)=\(browser.cookie ?? "")"]
                headers[HTTPField.Name("Sec-Fetch-Site")!] = site
                if let token { headers[HTTPField.Name(AuthenticationMiddleware.formTokenHeader)!] = token }
                return try await client.send(
                    .post, "/v1/tokens", #"{"name":"x","scopes":["read"]}"#, token: nil, headers: headers)
            }
            #expect(try await create(nil).code == "unconfirmed_form")
            #expect(try await create("0123").status == 403)
            #expect(try await create(browser.formToken, site: "cross-site").status == 403)
            #expect(try await create(browser.formToken).status == 201)
        }
    }

    @Test("Without Fetch Metadata the origin has to be this server's")
    func origin() async throws {
        try await TestServer.run { _, client in
            for (origin, status) in [
                ("http://localhost", 303), ("https://localhost", 303), ("http://elsewhere", 403), ("null", 403),
                (nil, 403),
            ] as [(String?, Int)] {
                var headers: HTTPFields = [.contentType: "application/x-www-form-urlencoded"]
                if let origin { headers[.origin] = origin }
                let answer = try await client.send(
                    .post, "/sign-in", "token=\(TestServer.adminToken)", token: nil, headers: headers)
                #expect(answer.status == status, "\(origin ?? "none")")
            }
        }
    }

    @Test("Sessions are listed, and ended from elsewhere; others than administrators see and end their own")
    func list() async throws {
        try await TestServer.run { server, client in
            let state = server.service.state
            let token = try state.tokens.create(name: "night desk", scopes: [.read], now: state.now())
            let admin = try await Browser.signedIn(client)
            let desk = try await Browser.signedIn(client, token: token.text)
            #expect(try await admin.get("/you").text.contains("night desk"))
            #expect(try await !desk.get("/you").text.contains("first admin token"))
            let sessions = state.sessions.list(now: state.now())
            let own = try #require(sessions.first { $0.name == "night desk" })
            let other = try #require(sessions.first { $0.name != "night desk" })
            let refused = try await desk.post("/you/sessions/\(other.id)/end", ["form_token": desk.formToken])
            #expect(refused.status == 404)
            let ended = try await admin.post("/you/sessions/\(own.id)/end", ["form_token": admin.formToken])
            #expect(ended.status == 303)
            #expect(try await desk.get("/you").status == 303)
            _ = try await client.search("source:custody action:session.end", expecting: 1)
            _ = try await client.search("source:custody action:session.start", expecting: 2)
        }
    }

    @Test("Who comes by a link of another site is sent on once, since the cookie is withheld on the way")
    func arrival() async throws {
        try await TestServer.run { _, client in
            var browser = Browser(client: client)
            browser.site = "cross-site"
            let first = try await browser.get("/alerts?status=open")
            #expect(first.status == 200 && first.text.contains("content=\"0; url=/alerts?status=open\""))
            browser.site = "same-origin"
            #expect(try await browser.get("/alerts").headers[.location] == "/sign-in?next=%2Falerts")
        }
    }

    @Test(
        "After signing in a browser goes to a page of this server, whatever it was told",
        arguments: [
            ("/search?q=a", "/search?q=a"), ("//elsewhere/x", "/"), ("https://elsewhere", "/"), ("/\\elsewhere", "/"),
            ("", "/"),
        ])
    func next(wanted: String, place: String) async throws {
        try await TestServer.run { _, client in
            let answer = try await Browser(client: client).post(
                "/sign-in", ["token": TestServer.adminToken, "next": wanted])
            #expect(answer.headers[.location] == place)
        }
    }
}
