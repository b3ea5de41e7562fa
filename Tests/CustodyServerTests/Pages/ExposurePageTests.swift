import AccessControl
import Detection
import EventModel
import Foundation
import HTTPTypes
import HummingbirdTesting
import Identity
import Testing

@testable import CustodyServer

@Suite("The page of known incidents")
struct ExposurePageTests {
    private static let bad =
        #"{"id":"x","time":"2018-10-10T10:00:00Z","action":"package.download","purl":"pkg:npm/flatmap-stream@0.1.1"}"#

    private static func hit(_ client: any TestClientProtocol) async throws {
        _ = try await client.send(.post, "/v1/events?source=proxy", bad)
        _ = try await client.search("source.name:proxy", expecting: 1)
    }

    @Test("Who looks first has it checked; a yes stands before everything else, with its event and what to do")
    func yes() async throws {
        try await TestServer.run { server, client in
            try await Self.hit(client)
            let browser = try await Browser.signedIn(client)
            let fresh = try await browser.get("/exposure")
            #expect(fresh.status == 200 && fresh.text.contains("id=\"checking\""), "\(fresh.text)")
            #expect(fresh.text.contains("aria-current=\"page\">Exposure"))
            let waiting = try await browser.get("/exposure/progress")
            #expect(waiting["running"] as? Bool == true && waiting["answered"] as? Int == 0)
            #expect(waiting["total"] as? Int == 12)
            #expect(server.service.state.exposure.requested.count == 1)
            _ = try await browser.get("/exposure")
            #expect(server.service.state.exposure.requested.count == 1)

            var memory = ExposureWatch.Memory()
            await ExposureWatch(server.service.state).look(&memory)
            let text = try await browser.get("/exposure").text
            #expect(!text.contains("id=\"checking\""))
            let verdict = try #require(text.firstRange(of: "Yes. Your events show event-stream"))
            let section = try #require(text.firstRange(of: "aria-labelledby=\"event-stream-2018\""))
            let unclear = try #require(text.firstRange(of: "<h2>Cannot tell <span class=\"note\">11</span></h2>"))
            #expect(verdict.lowerBound < section.lowerBound && section.lowerBound < unclear.lowerBound)
            let hit = text[section.lowerBound..<unclear.lowerBound]
            #expect(hit.contains("package.download") && hit.contains("href=\"/events/"))
            #expect(
                hit.contains("What to do") && hit.contains("What was covered")
                    && hit.contains("1 with <a href=\"/search?q="))
            #expect(hit.contains("rel=\"noreferrer\" target=\"_blank\">"))
            #expect(text.contains("What would tell: <a class=\"button quiet\" href=\"/connect/"))
            #expect(try await browser.get("/exposure/progress")["running"] as? Bool == false)

            // Home says it, and takes the step for done.
            let home = try await browser.get("/").text
            #expect(home.contains("Your events show a known supply-chain incident: event-stream"))
            #expect(home.contains("<strong>Were you hit?</strong><span class=\"unseen\"> (done)"))
            await server.service.state.audit.flush()
            #expect(try await client.search("source:custody action:exposure.read", expecting: 3).count >= 3)
        }
    }

    @Test("The search beside a finding finds what was found")
    func search() async throws {
        try await TestServer.run { server, client in
            try await Self.hit(client)
            let browser = try await Browser.signedIn(client)
            var memory = ExposureWatch.Memory()
            await ExposureWatch(server.service.state).look(&memory)
            let text = try await browser.get("/exposure").text
            let path = try #require(text.firstMatch(of: #/1 with <a href="(/search[^"]*)"/#)?.output.1)
            let found = try await browser.get(String(path).replacing("&amp;", with: "&"))
            #expect(found.status == 200 && found.text.contains("package.download"), "\(path)")
        }
    }

    @Test("It is checked again when a person asks, with a form of this session, and once for many")
    func again() async throws {
        try await TestServer.run { server, client in
            let state = server.service.state
            let browser = try await Browser.signedIn(client)
            let watch = ExposureWatch(state)
            var memory = ExposureWatch.Memory()
            await watch.look(&memory)
            #expect(try await browser.get("/exposure").text.contains("No sign of any, but no event here"))
            try await Self.hit(client)
            #expect(try await browser.post("/exposure/check", [:]).status == 403)
            #expect(!state.exposure.isDue)
            for _ in 0..<3 {
                let asked = try await browser.post("/exposure/check", ["form_token": browser.formToken])
                #expect(asked.status == 303 && asked.headers[.location] == "/exposure")
            }
            #expect(state.exposure.requested.count == 1 && state.exposure.isDue)
            await watch.look(&memory)
            #expect(!state.exposure.isDue)
            #expect(try await browser.get("/exposure").text.contains("Yes. Your events show event-stream"))
            let checks = try await client.search("source:custody action:exposure.check", expecting: 2)
            let newest = checks.compactMap { $0["index"] as? Int }.max() ?? 0
            let raw = try await client.send(.get, "/v1/events/\(newest)/raw")
            #expect((raw["details"] as? [String: String])?["because"] == "asked")
        }
    }

    @Test("Who may see a part only is shown nothing of the server's own check, and asks with their own rights")
    func part() async throws {
        try await TestServer.run { server, client in
            try await Self.hit(client)
            let state = server.service.state
            var memory = ExposureWatch.Memory()
            await ExposureWatch(state).look(&memory)
            let part = Principal(
                id: "p", kind: .person, name: "p",
                grants: [Grant(.investigator, over: AccessScope(sources: ["other"]))])
            let fields = Principal(
                id: "f", kind: .person, name: "f", grants: [Grant(.investigator, groups: [.envelope])])
            let now = state.now()
            #expect(!ExposurePage.seesEverything(part, now: now) && !ExposurePage.seesEverything(fields, now: now))
            let reader = Principal(id: "r", kind: .token, name: "r", scopes: [.read])
            #expect(ExposurePage.seesEverything(reader, now: now) && ExposurePage.seesEverything(.system, now: now))
            let page = ExposurePage(state: state)
            let empty = PageTemplates().render("exposure", page.page(nil, isOwn: true).data)
            #expect(empty.contains("You may see a part of the events") && !empty.contains("flatmap"))
            #expect(!empty.contains("Your events show"))
            let report = try await state.exposure.check(state.store, for: part, now: state.now).run()
            let own = PageTemplates().render("exposure", page.page(report.shortened, isOwn: true).data)
            #expect(!own.contains("Your events show") && own.contains("Cannot tell"))
        }
    }

    @Test("Who is not signed in is sent to sign in, and sees nothing")
    func strangers() async throws {
        try await TestServer.run { _, client in
            let stranger = Browser(client: client)
            let page = try await stranger.get("/exposure")
            #expect(page.headers[.location] == "/sign-in?next=%2Fexposure")
            let progress = try await stranger.get("/exposure/progress")
            let check = try await stranger.post("/exposure/check", [:])
            #expect(progress.status == 401 && check.status == 401)
        }
    }

    @Test("Events of evidence are kept as far as the page shows them")
    func bounds() async throws {
        try await TestServer.run { server, client in
            let events = (0..<ExposureReport.keptEvidence + 3).map {
                #"{"id":"e\#($0)","time":"2018-10-10T10:00:0\#($0 % 10)Z","action":"package.download","purl":"pkg:npm/flatmap-stream@0.1.1"}"#
            }
            _ = try await client.send(.post, "/v1/events?source=proxy", events.joined(separator: "\n"))
            _ = try await client.search("source.name:proxy", expecting: events.count)
            var memory = ExposureWatch.Memory()
            await ExposureWatch(server.service.state).look(&memory)
            let report = try #require(server.service.state.exposure.current.report)
            let entry = try #require(report.entries.first { $0.answer == .yes })
            #expect(entry.evidence.count == ExposureReport.keptEvidence)
            #expect(entry.findings.reduce(0) { $0 + $1.matched } == events.count)
        }
    }
}
