import Detection
import Foundation
import Testing

@Suite("Rules for what is done with Custody itself")
struct OwnEventRulesTests {
    private static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// What no rule looks for by name: reading, which baselines and denials watch, and what people do with alerts.
    private static let ordinary: Set<String> = [
        // Reads.
        "alert.list", "alert.read", "alert.read_evidence", "approver.list", "connector.list", "destination.list",
        "enrichment.list",
        "event.explain",
        "event.read", "event.read_proof", "event.tail", "exposure.read", "field.complete", "hold.list", "identity.list",
        "incident.list",
        "incident.read",
        "notification.list", "quarantine.read", "redaction.list", "redaction.select", "retention.preview",
        "retention.show", "rule.backtest", "rule.list", "rule.read", "search.run", "silence.list", "silence.preview",
        "silence.read", "source.activity", "source.list", "source.read", "token.list",
        // The life of alerts. Closing one as harmless has a rule.
        "alert.acknowledge", "alert.assign", "alert.comment", "alert.open", "alert.reopen", "alert.surface",
        "signal.open", "silence.end",
        // What only keeps, repeats or takes rights away.
        "destination.test", "hold.add", "source.expect", "notification.resend", "quarantine.replay", "source.test",
        "token.revoke", "identity.unbind",
        // A workload that an administrator let in, and a topic that one named.
        "identity.exchange", "source.subscribe",
        // What the server does by itself, and what says that all is well again.
        "exposure.check", "source.fill", "source.resume", "ledger.beacon", "ledger.publication_resumed",
        "ledger.witness_agrees", "retention.carry_out",
        "segment.seal",
        // Requests whose outcome is an event of its own: event.redact, retention.destroy, evidence.export, source.renormalised.
        "redaction.run", "retention.run", "evidence.exported", "source.renormalise",
        // Any denial, whatever its action, has a rule.
        "access.deny",
    ]

    /// The actions that the server's code names.
    private static func actions() throws -> Set<String> {
        let nouns = [
            "access", "alert", "approver", "connector", "delivery", "destination", "enrichment", "event", "evidence",
            "exposure", "field", "hold", "identity",
            "incident",
            "integrity", "ledger", "notification", "quarantine", "redaction", "retention", "rule", "search", "segment",
            "signal", "silence", "source", "token",
        ]
        let literal = try Regex("\"((?:\(nouns.joined(separator: "|")))\\.[a-z_]+)\"", as: (Substring, Substring).self)
        var found: Set<String> = []
        let folder = root.appendingPathComponent("Sources/CustodyServer")
        let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
        for case let file as URL in files where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(of: literal) { found.insert(String(match.output.1)) }
        }
        // Names of files, and of a field.
        return found.filter { name in
            ![".key", ".json", ".js"].contains { name.hasSuffix($0) } && name != "source.name"
        }
    }

    /// The actions that rules of the pack for Custody's own events name.
    private static func named() throws -> Set<String> {
        var named: Set<String> = []
        let literal = try Regex("[^a-z.:']([a-z]+\\.[a-z_]+)", as: (Substring, Substring).self)
        for rule in BuiltInRules.load().rules where rule.route == .kinds(["custody"]) {
            let file = root.appendingPathComponent("Sources/Detection/Rules")
                .appendingPathComponent(URL(fileURLWithPath: rule.file).lastPathComponent)
            let text = try String(contentsOf: file, encoding: .utf8)
            // The conditions alone, without the names of fields.
            let detection = text.components(separatedBy: "\ndetection:").last?.components(separatedBy: "condition:")
                .first
            let plain = (detection ?? "").replacing("custody.", with: "").replacing("details.", with: "")
            for match in plain.matches(of: literal) { named.insert(String(match.output.1)) }
        }
        return named.subtracting(["actor.name", "client.ip", "resource.name"])
    }

    @Test("Everything that is done with Custody has a rule, or a reason why it needs none")
    func coverage() throws {
        let actions = try Self.actions()
        #expect(actions.count > 60)
        let named = try Self.named()
        let bare = actions.subtracting(named).subtracting(Self.ordinary)
        #expect(bare.isEmpty, "no rule looks for \(bare.sorted())")
        #expect(Self.ordinary.subtracting(actions).isEmpty, "\(Self.ordinary.subtracting(actions).sorted())")
    }

    @Test("No rule looks for an action that nothing here puts on record")
    func reality() throws {
        let strays = try Self.named().subtracting(try Self.actions())
        #expect(strays.isEmpty, "\(strays.sorted())")
    }
}
