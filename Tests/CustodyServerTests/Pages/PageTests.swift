import AccessControl
import EventModel
import Foundation
import HTTPTypes
import HummingbirdTesting
import Identity
import QueryLanguage
import Testing

@testable import CustodyServer

@Suite("Pages")
struct PageTests {
    /// What somebody could write into every field of an event.
    private static let hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u{301}"

    private static func send(_ client: any TestClientProtocol, _ value: String, id: String = "1") async throws {
        let fields = [
            "id": id, "actor": value, "action": value, "resource": value, "outcome": "failure", "repo": value,
            "ip": value, "user_agent": value,
        ]
        let body = try JSONSerialization.data(withJSONObject: fields)
        let sent = try await client.send(.post, "/v1/events?source=web", bytes: Array(body))
        #expect(sent.status == 200, "\(sent.text)")
        _ = try await client.search("source:web", expecting: 1)
    }

    @Test(
        "Whatever stands in an event is text on every page",
        arguments: [
            "/search", "/search?q=source:web", "/search?q=source:web|top+5+actor", "/events/0",
            "/events/0?show=payload", "/", "/sources", "/tail",
        ])
    func hostileEvents(path: String) async throws {
        try await TestServer.run { _, client in
            try await Self.send(client, Self.hostile)
            let answer = try await Browser.signedIn(client).get(path)
            #expect(answer.status == 200, "\(answer.text)")
            // The scripts of the page itself all have an address.
            #expect(!answer.text.contains("<script>") && !answer.text.contains("<img src=x"), "\(path)")
            #expect(!answer.text.contains("\"'>") && !answer.text.contains("onerror=alert(1)>"))
            if path.hasPrefix("/search?q=source:web") || path.hasPrefix("/events") {
                #expect(answer.text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
            }
        }
    }

    @Test("Events at the ends of time are found, drawn and shown")
    func endsOfTime() async throws {
        try await TestServer.run { _, client in
            let times = [#""1678-01-01T00:00:00Z""#, #""2261-12-31T23:59:59.9Z""#, "9223372036854775807"]
            for (number, time) in times.enumerated() {
                let body = #"{"id":"\#(number)","action":"end","time":\#(time)}"#
                #expect(try await client.send(.post, "/v1/events?source=web", body).status == 200)
            }
            _ = try await client.search("source:web", expecting: times.count)
            let browser = try await Browser.signedIn(client)
            let stages = ["", "|timechart+span=365d+count", "|stats+min(time),max(time)"]
            for query in stages.map({ "source:web" + $0 }) {
                let answer = try await browser.get("/search?q=\(query)&since=1678-01-01")
                #expect(answer.status == 200, "\(query): \(answer.text)")
            }
            let found = try await browser.get("/search?q=source:web&since=1678-01-01").text
            #expect(found.contains("1678-01-01") && found.contains("2261-12-31"))
            let indexes = found.matches(of: #/href="\/events\/([0-9]+)/#).map { String($0.output.1) }
            #expect(Set(indexes).count == times.count)
            for index in Set(indexes) { #expect(try await browser.get("/events/\(index)").status == 200) }
        }
    }

    @Test(
        "Every page sends who is not signed in to sign in, and comes back there",
        arguments: Page.Place.allCases.filter { !$0.isPublic }.map(\.path))
    func signedOut(path: String) async throws {
        try await TestServer.run { _, client in
            let answer = try await Browser(client: client).get(path + "?q=a")
            #expect(answer.status == 303)
            #expect(answer.headers[.location] == "/sign-in?next=" + PagePath.encoded(path + "?q=a"))
        }
    }

    @Test(
        "Every page has a title, one main heading, a way past the navigation, and marks its place",
        arguments: Page.Place.allCases)
    func structure(place: Page.Place) async throws {
        try await TestServer.run { _, client in
            let text = try await Browser.signedIn(client).get(place.path).text
            #expect(text.contains("<html lang=\"en\"") && text.contains("· Custody</title>"))
            #expect(text.split(separator: "<h1").count == 2, "one h1")
            #expect(text.contains("class=\"skip\" href=\"#main\"") && text.contains("<main id=\"main\""))
            #expect(text.contains("data-place=\"\(place.rawValue)\" aria-current=\"page\""))
            #expect(!text.contains("{{") && !text.contains("Optional("))
        }
    }

    @Test("A search shows hits, canonical query, histogram and facets whose links narrow it")
    func search() async throws {
        try await TestServer.run { _, client in
            for number in 1...3 {
                let body =
                    #"{"id":"\#(number)","actor":"mona","action":"repo.destroy","outcome":"\#(number == 1 ? "denied" : "success")"}"#
                _ = try await client.send(.post, "/v1/events?source=web", body)
            }
            _ = try await client.search("actor:mona", expecting: 3)
            let browser = try await Browser.signedIn(client)
            let answer = try await browser.get("/search?q=user%3Amona&counts=all")
            #expect(answer.text.contains("Read as <code>actor:mona</code>"))
            #expect(answer.text.contains("3 events of the last 24 hours"))
            #expect(answer.text.split(separator: "class=\"what\"").count == 4)
            #expect(answer.text.contains("1 failed or denied"))
            #expect(answer.text.contains("/search?q=actor%3Amona%20outcome%3Adenied"))
            #expect(answer.text.contains("/search?q=actor%3Amona%20-outcome%3Adenied"))
            let table = try await browser.get("/search?q=actor:mona+%7C+stats+count+by+outcome")
            #expect(table.text.contains("<td>denied</td><td class=\"number\">1</td>"))
        }
    }

    @Test("The picture of a day is of that day, and facets do not tell of Custody's own events unasked")
    func counts() async throws {
        try await TestServer.run { server, client in
            _ = try await client.send(
                .post, "/v1/events?source=web", #"{"id":"1","time":"2020-03-02T10:00:00Z","action":"code.push"}"#)
            _ = try await client.send(.post, "/v1/events?source=web", #"{"id":"2","action":"code.pull"}"#)
            _ = try await client.search("source:web", expecting: 2)
            await server.service.state.audit.flush()
            _ = try await client.search("source:custody action:search.run", expecting: 1)
            let text = try await Browser.signedIn(client).get("/search?counts=all").text
            #expect(text.contains("2 events of the last 24 hours") && text.contains("title=\"web\""))
            #expect(!text.contains("title=\"custody\""))
            let bars = text.matches(of: #/aria-label="20[0-9-]+ [0-9:]+ to [^"]*: ([^"]*)"/#).map {
                String($0.output.1)
            }
            #expect(bars == ["1 event"])
        }
    }

    @Test("A mistake is marked where it stands, with the right name as a link")
    func mistake() async throws {
        try await TestServer.run { _, client in
            let answer = try await Browser.signedIn(client).get("/search?q=actro:mona+outcome:denied")
            #expect(answer.status == 400)
            #expect(answer.text.contains("<mark>actro</mark>:mona outcome:denied"))
            #expect(answer.text.contains("href=\"/search?q=actor%3Amona%20outcome%3Adenied\">actor</a>"))
            #expect(answer.text.contains("value=\"actro:mona outcome:denied\""))
        }
    }

    @Test("Nothing in the window, but hits elsewhere: how many, when, and one click to them")
    func widen() async throws {
        try await TestServer.run { _, client in
            for (number, time) in ["2020-03-02T10:00:00Z", "2020-03-20T10:00:00Z"].enumerated() {
                let body = #"{"id":"\#(number)","time":"\#(time)","actor":"mona","action":"code.push"}"#
                _ = try await client.send(.post, "/v1/events?source=web", body)
            }
            _ = try await client.search("actor:mona", expecting: 2)
            let browser = try await Browser.signedIn(client)
            let answer = try await browser.get("/search?q=actor%3Amona&since=-1h")
            #expect(answer.text.contains("Nothing here, but <strong>2 hits</strong> in March 2020."))
            let link = try #require(answer.text.firstMatch(of: #/href="([^"]+)">Widen/#)?.output.1)
            let widened = try await browser.get(String(link).replacing("&amp;", with: "&"))
            #expect(widened.text.split(separator: "class=\"what\"").count == 3)
            let nowhere = try await browser.get("/search?q=actor%3Anobody&since=-1h")
            #expect(nowhere.text.contains("Nothing matches, at any time."))
        }
    }

    @Test("An event's payload is shown when asked for, and that is on record before")
    func payload() async throws {
        try await TestServer.run { _, client in
            _ = try await client.send(
                .post, "/v1/events?source=web", #"{"id":"1","action":"code.push","secretive":"yes"}"#)
            _ = try await client.search("source:web", expecting: 1)
            let browser = try await Browser.signedIn(client)
            #expect(try await !browser.get("/events/0").text.contains("secretive"))
            #expect(try await browser.get("/events/0?show=payload").text.contains("secretive"))
            _ = try await client.search("source:custody action:event.read_raw", expecting: 1)
            #expect(try await browser.get("/events/999").status == 404)
            #expect(try await browser.get("/events/x").status == 400)
        }
    }

    @Test("Rows do not borrow from the page around them what they lack")
    func rows() async throws {
        try await TestServer.run { _, client in
            _ = try await client.send(
                .post, "/v1/events?source=web",
                #"{"id":"1","actor":"mona","action":"code.push","resource":"api","outcome":"denied"}"#)
            _ = try await client.send(.post, "/v1/events?source=web", #"{"id":"2","action":"code.pull"}"#)
            _ = try await client.search("source:web", expecting: 2)
            let text = try await Browser.signedIn(client).get("/events/0").text
            let rows = text.split(separator: "<tr data-row").dropFirst()
            let other = try #require(rows.first { $0.contains("code.pull") })
            #expect(!other.contains("mona") && !other.contains("api") && !other.contains("denied"))
        }
    }

    @Test("Completion offers names and then values, for who may search")
    func completion() async throws {
        try await TestServer.run { server, client in
            _ = try await client.send(
                .post, "/v1/events?source=web", #"{"id":"1","actor":"mona lisa","action":"code.push"}"#)
            _ = try await client.search("source:web", expecting: 1)
            let names = try await client.send(.get, "/v1/complete?q=outcome:success%20acti&at=20")
            #expect((names["candidates"] as? [String])?.contains("action:") == true, "\(names.text)")
            #expect(names["from"] as? Int == 16 && names["to"] as? Int == 20)
            let values = try await client.send(.get, "/v1/complete?q=actor:mo")
            #expect(values["candidates"] as? [String] == ["\"mona lisa\""])
            let state = server.service.state
            let token = try state.tokens.create(name: "ci", scopes: [.ingest], now: state.now())
            #expect(try await client.send(.get, "/v1/complete?q=a", token: token.text).status == 403)
        }
    }

    @Test(
        "What a click adds to a query parses back to itself",
        arguments: [
            "plain", "two words", "a\"b", "back\\slash", "star*", "-minus", "/regex/", "a..b", "a:b", "(x)", "OR",
            "ünï", "<b>", "|",
        ])
    func editing(value: String) throws {
        let now = Timestamp(seconds: 1_800_000_000)
        for text in ["", "outcome:failure", "a OR b", "action:x | top 5 actor"] {
            let query = try Query(parsing: text, now: now)
            let added = try #require(query.adding("actor", value, now: now))
            #expect(try Query(parsing: added.canonical, now: now) == added)
            #expect(added.has("actor", value, now: now) && added.stages == query.stages)
            #expect(added.removing("actor", value, now: now) == query)
            let without = try #require(query.adding("actor", value, excluding: true, now: now))
            #expect(try Query(parsing: without.canonical, now: now) == without)
        }
    }

    @Test("A period is told as people tell it")
    func periods() throws {
        func text(_ first: String, _ last: String) throws -> String {
            PagePeriod.text(try #require(Timestamp(parsing: first)), try #require(Timestamp(parsing: last)))
        }
        #expect(try text("2026-03-03T01:00:00Z", "2026-03-03T23:00:00Z") == "on 3 March 2026")
        #expect(try text("2026-03-03", "2026-03-30") == "in March 2026")
        #expect(try text("2025-12-31", "2026-01-01") == "between 31 December 2025 and 1 January 2026")
    }
}
