import AccessControl
import EventModel
import Foundation
import HTTPTypes
import HummingbirdTesting
import Identity
import Ledger
import Testing

@testable import CustodyServer

@Suite("Pages that say how things stand")
struct OverviewPageTests {
    @Test("Home names the next step, and marks it as done when it is")
    func steps() async throws {
        try await TestServer.run { _, client in
            let browser = try await Browser.signedIn(client)
            let fresh = try await browser.get("/").text
            let next = try #require(fresh.firstMatch(of: #/<li class="next">[\s\S]*?<strong>([^<]*)</#)?.output.1)
            #expect(next == "Connect a source")
            _ = try await client.send(.post, "/v1/events?source=web", #"{"id":"1","action":"code.push"}"#)
            _ = try await client.search("source:web", expecting: 1)
            let later = try await browser.get("/").text
            #expect(later.contains("<strong>Connect a source</strong><span class=\"unseen\"> (done)"))
            let following = try #require(later.firstMatch(of: #/<li class="next">[\s\S]*?<strong>([^<]*)</#)?.output.1)
            #expect(following != "Connect a source")
        }
    }

    @Test("Nothing is left to be said when everything is done")
    func stepsLeft() {
        let outcome = VerificationStatus.Outcome(
            time: Timestamp(seconds: 0), counts: .init(), fault: nil, size: 0, duration: .zero)
        let done = NextSteps(
            hasEvents: true, hasSeenExposure: true, hasAlerts: true, hasDestinations: true, verification: outcome,
            isVerificationOff: false)
        #expect(done.left == 0)
        let fresh = NextSteps(
            hasEvents: false, hasSeenExposure: false, hasAlerts: false, hasDestinations: false, verification: nil,
            isVerificationOff: true)
        #expect(fresh.left == fresh.data.count)
        #expect(fresh.data.filter { $0["is_next"] != nil }.count == 1)
    }

    @Test("Integrity shows key, checkpoint and the verification with its five counts")
    func integrity() async throws {
        try await TestServer.run { server, client in
            let state = server.service.state
            let browser = try await Browser.signedIn(client)
            let fresh = try await browser.get("/integrity").text
            #expect(fresh.contains("data-vkey=\"\(state.ledgerKey.verifierKey.description)\""))
            #expect(fresh.contains("Not since the start"))
            var counts = VerificationCounts()
            counts.verified = 12_345
            counts.altered = 1
            state.verification.note(
                .init(
                    time: state.now(), counts: counts, fault: "segment <x> is altered", size: 12_346,
                    duration: .seconds(3)),
                isFull: true)
            let failed = try await browser.get("/integrity").text
            #expect(failed.contains("segment &lt;x&gt; is altered") && failed.contains("12,345"))
            #expect(failed.contains("<tr class=\"bad\"><th scope=\"row\">altered</th><td class=\"number\">1</td>"))
            #expect(try await browser.get("/").text.contains("verification failed: segment &lt;x&gt; is altered"))
        }
    }

    @Test("Sources show what came from each, and who is not let near the set-up sees none")
    func sources() async throws {
        try await TestServer.run { server, client in
            _ = try await client.send(.post, "/v1/events?source=web", #"{"id":"1","action":"code.push"}"#)
            _ = try await client.search("source:web", expecting: 1)
            let text = try await Browser.signedIn(client).get("/sources").text
            let row = try #require(text.split(separator: "<tr data-row>").first { $0.contains(">web<") })
            #expect(row.contains("<td class=\"number\">1</td>") && row.contains("sends"))
            let state = server.service.state
            let token = try state.tokens.create(name: "desk", scopes: [.read], now: state.now())
            let reader = try await Browser.signedIn(client, token: token.text)
            #expect(try await reader.get("/sources").status == 403)
            #expect(try await !reader.get("/").text.contains("sources-title"))
        }
    }

    @Test("Forms are read as browsers write them")
    func forms() {
        let form = PageForm(parsing: "a=b+c%20d&e=%C3%A9&empty=&bare&bad=%FF&a2=1%2B1")
        #expect(form["a"] == "b c d" && form["e"] == "é" && form["empty"] == "" && form["bare"] == "")
        #expect(form["bad"] == "" && form["a2"] == "1+1" && form["missing"] == "")
    }

    @Test("What makes a page better is waited for only so long, and then cancelled")
    func patience() async throws {
        #expect(try await within(.seconds(60)) { 7 } == 7)
        let (never, continuation) = AsyncStream.makeStream(of: Int.self)
        let found = try await within(.milliseconds(1)) { () -> Int in
            for await number in never { return number }
            try Task.checkCancellation()
            return 0
        }
        #expect(found == nil)
        continuation.finish()
    }

    @Test("Numbers, moments and distances are told as people tell them")
    func words() {
        #expect(PageNumber.text(1_234_567) == "1,234,567" && PageNumber.text(-1_000) == "-1,000")
        #expect(PageNumber.text(0) == "0" && PageNumber.text(999) == "999")
        let now = Timestamp(seconds: 1_800_000_000)
        func ago(_ seconds: Int64) -> String { PageTime.distance(Timestamp(seconds: now.seconds - seconds), now: now) }
        #expect(ago(0) == "now" && ago(61) == "1 minute ago" && ago(7_300) == "2 hours ago")
        #expect(ago(-90_000) == "in 1 day" && ago(30) == "30 seconds ago")
        #expect(PageTime.text(now) == "2027-01-15 08:00:00")
    }
}
