import Delivery
import Detection
import EventModel
import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import CustodyServer

@Suite("Working on alerts over HTTP")
struct AlertWorkTests {
    private static let rule = """
        title: Deletion by a person
        id: 3c1f0b1e-6a57-4f0e-9d55-0d1c9b7f0a01
        status: stable
        level: high
        logsource: {category: supply_chain}
        detection:
            s: {custody.action: repo.delete}
            condition: s
        custody: {owner: team-a}
        """

    private static func rules(_ text: String = rule) throws -> URL {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("rules-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        try text.write(to: directory.appendingPathComponent("r.yml"), atomically: true, encoding: .utf8)
        return directory
    }

    private static func events(_ actors: [String]) -> String {
        actors.map { #"{"action":"repo.delete","actor":"\#($0)","resource":"acme/api"}"# }.joined(separator: "\n")
    }

    private static func alerts(
        _ client: any TestClientProtocol, _ count: Int, kind: String = "alert"
    ) async throws -> [[String: Any]] {
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            let answer = try await client.send(
                .get, "/v1/alerts?kind=\(kind)&rule=3c1f0b1e-6a57-4f0e-9d55-0d1c9b7f0a01")
            let alerts = answer["alerts"] as? [[String: Any]] ?? []
            if alerts.count >= count || ContinuousClock.now > deadline { return alerts }
            await Task.yield()
        }
    }

    @Test("From event to verdict: incident, evidence with proofs, remarks, reopening, and all of it on record")
    func lifeCycle() async throws {
        let rules = try Self.rules()
        try await TestServer.run({ $0.ruleDirectories = [rules.path] }) { server, client in
            _ = try await client.send(.post, "/v1/events?source=acme", Self.events(["eve", "bob", "EVE"]))
            let alerts = try await Self.alerts(client, 2)
            #expect(alerts.count == 2 && alerts[0]["owner"] as? String == "team-a")
            let eve = try #require(alerts.first { ($0["entity"] as? String)?.lowercased() == "eve" })
            let id = try #require(eve["id"] as? String)
            #expect(eve["source_name"] as? String == "acme" && eve["rule_version"] as? Int == 1)
            let incidents = try await client.send(.get, "/v1/incidents?status=open")
            let opened = Set((incidents["incidents"] as? [[String: Any]] ?? []).compactMap { $0["id"] as? String })
            let theirs = Set(alerts.compactMap { $0["incident"] as? String })
            #expect(theirs.count == 2 && opened.isSuperset(of: theirs))
            let incident = try await client.send(.get, "/v1/incidents/\(eve["incident"] as? String ?? "")")
            #expect((incident["alerts"] as? [[String: Any]])?.first?["id"] as? String == id)

            var evidence: [[String: Any]] = []
            let deadline = ContinuousClock.now + .seconds(60)
            repeat {
                let answer = try await client.send(.get, "/v1/alerts/\(id)/evidence")
                evidence = answer["evidence"] as? [[String: Any]] ?? []
            } while evidence.contains { $0["proof"] == nil } && ContinuousClock.now < deadline
            #expect(evidence.count == 2)
            #expect(evidence.allSatisfy { ($0["proof"] as? String)?.hasPrefix("c2sp.org/tlog-proof@v1") == true })

            #expect(try await client.send(.post, "/v1/alerts/\(id)/comment", #"{"comment":"odd"}"#).status == 200)
            let close = #"{"verdict":"benign","comment":"a drill"}"#
            #expect(try await client.send(.post, "/v1/alerts/\(id)/close", close).status == 200)
            #expect(try await client.send(.post, "/v1/alerts/\(id)/close", close).status == 409)
            let reopened = try await client.send(.post, "/v1/alerts/\(id)/reopen", #"{"comment":"no drill"}"#)
            #expect(reopened["status"] as? String == "open" && reopened["verdict"] == nil)
            let shown = try await client.send(.get, "/v1/alerts/\(id)")
            let kinds = (shown["activity"] as? [[String: Any]])?.compactMap { $0["kind"] as? String }
            #expect(kinds == ["commented", "closed", "reopened"])
            await server.service.state.audit.flush()
            for action in ["alert.open", "alert.comment", "alert.close", "alert.reopen"] {
                #expect(
                    try await client.search("source:custody action:\(action)", expecting: 1).count >= 1, "\(action)")
            }
            let empty = try await client.send(.post, "/v1/alerts/\(id)/comment", "{}")
            #expect(empty.status == 400 && empty.code == "missing_member")
        }
    }

    @Test("A silence is previewed, hides, tells what it hid, and ends")
    func silences() async throws {
        let rules = try Self.rules()
        try await TestServer.run({ $0.ruleDirectories = [rules.path] }) { _, client in
            _ = try await client.send(.post, "/v1/events?source=acme", Self.events(["ci-1"]))
            #expect(try await Self.alerts(client, 1).count == 1)
            let preview = try await client.send(.post, "/v1/silences/preview", #"{"entity":"ci-*"}"#)
            #expect(preview["alert_count"] as? Int == 1)
            for bad in [
                #"{"reason":"r","duration":"4h"}"#, #"{"entity":"x","duration":"4h"}"#, #"{"entity":"x","reason":"r"}"#,
                #"{"entity":"x","reason":"r","duration":"soon"}"#, #"{"entity":"x","reason":"r","duration":"9999d"}"#,
            ] {
                #expect(try await client.send(.post, "/v1/silences", bad).status == 400, "\(bad)")
            }
            let added = try await client.send(
                .post, "/v1/silences", #"{"entity":"ci-*","reason":"CHG-1","duration":"4h"}"#)
            #expect(added.status == 201 && added["active"] as? Bool == true)
            let id = try #require(added["id"] as? String)
            _ = try await client.send(.post, "/v1/events?source=acme", Self.events(["ci-2"]))
            #expect(try await Self.alerts(client, 2).first?["silenced"] as? Int == 1)
            let shown = try await client.send(.get, "/v1/silences/\(id)")
            #expect(shown["hidden"] as? Int == 1 && (shown["alerts"] as? [Any])?.count == 1)
            #expect(try await client.send(.delete, "/v1/silences/\(id)")["active"] as? Bool == false)
            #expect((try await client.send(.get, "/v1/silences")["silences"] as? [Any])?.isEmpty == true)
            #expect(try await client.send(.get, "/v1/silences/none").status == 404)
            #expect(try await client.search("source:custody action:silence.*", expecting: 2).count == 2)
        }
    }

    @Test("A backtest over what is stored finds what the live rule found, and a draft is only a signal")
    func backtest() async throws {
        let draft = Self.rule.replacing("status: stable", with: "status: experimental")
        let rules = try Self.rules(draft)
        try await TestServer.run({ $0.ruleDirectories = [rules.path] }) { _, client in
            _ = try await client.send(.post, "/v1/events?source=acme", Self.events(["eve", "bob", "eve"]))
            #expect(try await Self.alerts(client, 2, kind: "signal").count == 2)
            #expect(try await Self.alerts(client, 0).isEmpty)
            let live = try await client.send(
                .post, "/v1/rules/backtest", #"{"id":"3c1f0b1e-6a57-4f0e-9d55-0d1c9b7f0a01","since":"-1h"}"#)
            #expect(live.status == 200, "\(live.text)")
            let evidence = try #require(live["evidence"] as? [String: Any])
            #expect(
                live["matches"] as? Int == 3 && live["signal_count"] as? Int == 2 && live["complete"] as? Bool == true)
            #expect(evidence["both"] as? Int == 3 && evidence["only_live"] as? Int == 0)
            let signals = try await Self.alerts(client, 2, kind: "signal").compactMap { $0["id"] as? String }
            #expect(Set((live["alerts"] as? [[String: Any]] ?? []).compactMap { $0["id"] as? String }) == Set(signals))
            let other = Self.rule.replacing("3c1f0b1e", with: "3c1f0b1f").replacing("repo.delete", with: "repo.*")
            let body = try JSONSerialization.data(withJSONObject: ["rule": other, "since": "-1h"])
            let fresh = try await client.send(.post, "/v1/rules/backtest", bytes: Array(body))
            #expect(fresh["alert_count"] as? Int == 2 && fresh["live_alert_count"] as? Int == 0)
            let broken = try await client.send(.post, "/v1/rules/backtest", #"{"rule":"title: x"}"#)
            #expect(broken.status == 400 && broken.code == "invalid_rule")
            #expect(try await client.send(.post, "/v1/rules/backtest", #"{"id":"none"}"#).status == 404)
        }
    }

    @Test("Rules that are added are in force, kept over a restart, and reported as active, dormant or refused")
    func adding() async throws {
        let place = FileManager.default.temporaryDirectory.appendingPathComponent("custody-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: place) }
        try await TestServer.run(in: place) { _, client in
            let dormant =
                "title: d\nlogsource: {product: windows, service: sysmon}\ndetection: {s: {a: 1}, condition: s}\n"
            let files = [
                ["name": "team/a.yml", "text": Self.rule], ["name": "team/d.yml", "text": dormant],
                ["name": "team/bad.yml", "text": "title: x\nlogsource: {product: github}\n"],
                // No connector here makes such events.
                [
                    "name": "team/z.yml",
                    "text": dormant.replacing("title: d", with: "title: z") + "custody: {sources: [no-such-kind]}\n",
                ],
            ]
            let body = Array(try JSONSerialization.data(withJSONObject: ["files": files]))
            let added = try await client.send(.post, "/v1/rules", bytes: body)
            #expect(added.status == 200, "\(added.text)")
            let rules = try #require(added["rules"] as? [[String: Any]])
            #expect(rules.count == 3 && rules.count { $0["dormant"] as? Bool == true } == 2)
            let refused = try #require(added["refused"] as? [String])
            #expect(refused.count == 1 && refused[0].hasPrefix("team/bad.yml:"))
            _ = try await client.send(.post, "/v1/events?source=acme", Self.events(["eve"]))
            #expect(try await Self.alerts(client, 1).count == 1)
            for name in ["../x.yml", "/x.yml", "x.txt", "a/../b.yml", ".hidden.yml", ""] {
                let body = try JSONSerialization.data(
                    withJSONObject: ["files": [["name": name, "text": Self.rule]]])
                let answer = try await client.send(.post, "/v1/rules", bytes: Array(body))
                #expect(answer.status == 400 && answer.code == "invalid_rule_name", "\(name)")
            }
        }
        try await TestServer.run(in: place) { _, client in
            let listed = try await client.send(.get, "/v1/rules")
            let rule = (listed["rules"] as? [[String: Any]])?.first {
                $0["id"] as? String == "3c1f0b1e-6a57-4f0e-9d55-0d1c9b7f0a01"
            }
            #expect(rule?["alerts"] as? Int == 1 && rule?["owner"] as? String == "team-a")
            let versions = try await client.send(.get, "/v1/rules/3c1f0b1e-6a57-4f0e-9d55-0d1c9b7f0a01/versions")
            #expect((versions["versions"] as? [Any])?.count == 1)
            #expect(try await client.send(.get, "/v1/rules/nosuch/versions").status == 404)
        }
    }

    @Test("A broken file in a directory of rules keeps no other from being in force, and is named at the start")
    func brokenDirectory() async throws {
        let rules = try Self.rules()
        try "title: [".write(to: rules.appendingPathComponent("bad.yml"), atomically: true, encoding: .utf8)
        try Data([0xFF, 0xFE]).write(to: rules.appendingPathComponent("bytes.yml"))
        try await TestServer.run({ $0.ruleDirectories = [rules.path] }) { server, client in
            let named = server.service.warnings.filter { $0.hasPrefix("rule refused: ") }
            #expect(
                named.count == 2 && named.contains { $0.contains("bad.yml:") }
                    && named.contains { $0.contains("bytes.yml: not valid UTF-8") })
            _ = try await client.send(.post, "/v1/events?source=acme", Self.events(["eve"]))
            #expect(try await Self.alerts(client, 1).count == 1)
            // A reload that cannot read the directory leaves in force what was.
            try FileManager.default.removeItem(at: rules)
            #expect(try await client.send(.post, "/v1/rules/reload").status >= 400)
            _ = try await client.send(.post, "/v1/events?source=acme", Self.events(["bob"]))
            #expect(try await Self.alerts(client, 2).count == 2)
        }
    }

    @Test("An explanation names the predicate that stands in the way")
    func explaining() async throws {
        try await TestServer.run { _, client in
            _ = try await client.send(
                .post, "/v1/events?source=acme", #"{"action":"repo.create","actor":"eve","resource":"r"}"#)
            _ = try await client.search("action:repo.create", expecting: 1)
            let body = try JSONSerialization.data(withJSONObject: ["rule": Self.rule, "index": 0])
            let answer = try await client.send(.post, "/v1/rules/explain", bytes: Array(body))
            #expect(answer.status == 200 && answer["matches"] as? Bool == false, "\(answer.text)")
            let lines = try #require(answer["predicates"] as? [[String: Any]])
            #expect(lines.count == 1 && lines[0]["blocking"] as? Bool == true)
            #expect(lines[0]["values"] as? [String] == ["repo.create"] && lines[0]["values_cut"] as? Bool == false)
            #expect(try await client.send(.post, "/v1/rules/explain", #"{"id":"none","index":0}"#).status == 404)
        }
    }

    @Test("Destinations are added, shown without secrets, kept encrypted, tested and removed")
    func destinations() async throws {
        let place = FileManager.default.temporaryDirectory.appendingPathComponent("custody-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: place) }
        let path = "/services/T0SECRET"
        try await TestServer.run(in: place) { _, client in
            let settings = #"{"name":"chat","kind":"slack","url":"https://127.0.0.1:9\#(path)"}"#
            let added = try await client.send(.post, "/v1/destinations", settings)
            #expect(added.status == 201 && added["address"] as? String == "https://127.0.0.1:9/…", "\(added.text)")
            #expect(try await client.send(.post, "/v1/destinations", settings).status == 409)
            for bad in [
                #"{"name":"c","kind":"command","command":["/bin/true"]}"#, #"{"name":"x","kind":"slack"}"#,
                #"{"name":"x","kind":"slack","url":"https://a.example","nosuch":1}"#, "[]",
            ] {
                #expect(try await client.send(.post, "/v1/destinations", bad).status == 400, "\(bad)")
            }
            let tested = try await client.send(.post, "/v1/destinations/chat/test")
            #expect(tested["delivered"] as? Bool == false)
            #expect((tested["reason"] as? String)?.contains("private or reserved") == true)
            #expect(try await client.send(.post, "/v1/destinations/none/test").status == 404)
        }
        let database = try Data(contentsOf: place.appendingPathComponent("state.db"))
        #expect(database.firstRange(of: Data(path.utf8)) == nil)
        try await TestServer.run(in: place) { _, client in
            let listed = try await client.send(.get, "/v1/destinations")
            #expect((listed["destinations"] as? [[String: Any]])?.first?["origin"] as? String == "api")
            #expect(!listed.text.contains("SECRET"))
            #expect(try await client.send(.delete, "/v1/destinations/chat").status == 204)
            #expect(try await client.send(.delete, "/v1/destinations/chat").status == 404)
        }
    }

    @Test("What a destination's receiver refuses is listed and can be sent again")
    func deadLetters() async throws {
        let rules = try Self.rules()
        var settings = DestinationSettings()
        settings.name = "ticket"
        settings.kind = "command"
        settings.command = ["/bin/false"]
        let wanted = settings
        try await TestServer.run({
            $0.ruleDirectories = [rules.path]
            $0.notifications = [wanted]
        }) { server, client in
            _ = try await client.send(.post, "/v1/events?source=acme", Self.events(["eve"]))
            #expect(try await Self.alerts(client, 1).count == 1)
            let pending = try await client.send(.get, "/v1/notifications?state=pending")
            #expect((pending["notifications"] as? [[String: Any]])?.count == 1, "\(pending.text)")
            try await server.service.state.notifications.worker.deliverDue()
            let tried = try await client.send(.get, "/v1/notifications?state=pending&destination=ticket")
            let message = try #require((tried["notifications"] as? [[String: Any]])?.first)
            #expect(message["attempts"] as? Int == 1 && (message["error"] as? String)?.contains("status 1") == true)
            let id = try #require(message["id"] as? String)
            #expect(try await client.send(.post, "/v1/notifications/\(id)/resend").status == 404)
            #expect(try await client.send(.get, "/v1/notifications?state=lost").status == 400)
            #expect(try await client.send(.post, "/v1/destinations/ticket/resend")["resent"] as? Int == 0)
        }
    }

    @Test(
        "A page's size and beginning are numbers, or the request is refused",
        arguments: ["/v1/alerts", "/v1/incidents", "/v1/notifications", "/v1/alerts/ID/evidence"])
    func pages(path: String) async throws {
        let rules = try Self.rules()
        try await TestServer.run({ $0.ruleDirectories = [rules.path] }) { _, client in
            _ = try await client.send(.post, "/v1/events?source=acme", Self.events(["eve"]))
            let alerts = try await Self.alerts(client, 1)
            let place = path.replacing("ID", with: alerts.first?["id"] as? String ?? "")
            for bad in ["x", "0", "-1", "1001", "1e2", "99999999999999999999", "%00"] {
                let answer = try await client.send(.get, "\(place)?limit=\(bad)")
                #expect(answer.status == 400 && answer.code == "invalid_limit", "\(bad): \(answer.text)")
            }
            #expect(try await client.send(.get, "\(place)?limit=1000").status == 200)
            guard !path.hasSuffix("notifications") else { return }
            for bad in ["x", "-1", "1.5"] {
                let answer = try await client.send(.get, "\(place)?cursor=\(bad)")
                #expect(answer.status == 400 && answer.code == "invalid_cursor", "\(bad): \(answer.text)")
            }
        }
    }

    @Test("A field of the rule's group that the event lacks is not among the alert's values")
    func emptyGroup() async throws {
        let text = Self.rule.replacing(
            "custody: {owner: team-a}", with: "custody: {group: [custody.actor.name, nosuch]}")
        let rules = try Self.rules(text)
        try await TestServer.run({ $0.ruleDirectories = [rules.path] }) { _, client in
            _ = try await client.send(.post, "/v1/events?source=acme", Self.events(["eve"]))
            let alert = try #require(try await Self.alerts(client, 1).first)
            #expect(alert["group"] as? [String: String] == ["custody.actor.name": "eve"])
        }
    }

    @Test("What rules with a memory hold is listed with them, and every metric has its name once")
    func memories() async throws {
        try await TestServer.run { _, client in
            let listed = try await client.send(.get, "/v1/rules")
            let rules = try #require(listed["rules"] as? [[String: Any]])
            let memories = rules.compactMap { $0["memory"] as? [String: Any] }
            #expect(!memories.isEmpty && memories.count < rules.count)
            #expect(memories.allSatisfy { $0["saturated"] as? Bool == false && $0["limit_bytes"] as? Int == 32 << 20 })
            let metrics = try await client.send(.get, "/metrics")
            let names = metrics.text.split(separator: "\n").filter { !$0.hasPrefix("#") }
                .map { String($0.prefix { $0 != " " }) }
            #expect(names.contains("custody_detection_rules_saturated"))
            #expect(Set(names).count == names.count)
        }
    }

    @Test("Only who may triage changes alerts and silences; only admins change destinations and rules")
    func permissions() async throws {
        try await TestServer.run { _, client in
            func token(_ scope: String) async throws -> String {
                let answer = try await client.send(.post, "/v1/tokens", #"{"name":"t","scopes":["\#(scope)"]}"#)
                return try #require(answer["token"] as? String)
            }
            let audit = try await token("audit")
            let read = try await token("read")
            let silence = #"{"entity":"x","reason":"r","duration":"1h"}"#
            #expect(try await client.send(.post, "/v1/silences", silence, token: audit).status == 403)
            #expect(try await client.send(.post, "/v1/silences", silence, token: read).status == 201)
            #expect(try await client.send(.get, "/v1/destinations", token: read).status == 403)
            #expect(try await client.send(.post, "/v1/destinations", "{}", token: audit).status == 403)
            #expect(try await client.send(.post, "/v1/rules", #"{"files":[]}"#, token: read).status == 403)
            #expect(try await client.send(.get, "/v1/incidents", token: nil).status == 401)
        }
    }
}
