import Connectors
import EventModel
import Foundation
import Testing

/// Payloads that nobody on this project wrote; the suite runs where they are.
@Suite(.enabled(if: Corpus.isPresent)) struct CorpusTests {
    private static let connectors = [
        "github-webhook", "github-audit-log", "kubernetes-audit", "gitlab-webhook", "oci-distribution-notification",
        "aws-cloudtrail",
    ]

    @Test(
        "The expectations for a connector's payloads are met",
        arguments: ConnectorCatalogue.builtIn.connectors.map(\.name))
    func expectations(_ connector: String) throws {
        for line in try Corpus.lines("expected.jsonl") where line["source"] as? String == connector {
            let file = try #require(line["file"] as? String)
            let result = try ReadResult.reading(try Corpus.bytes(file), connector: connector)
            if result.refusals.first?.code == .duplicateKey { continue }
            let misses = result.events.map { Self.misses(of: $0, line) }
            #expect(misses.contains { $0.isEmpty }, "\(file): \(misses.first ?? ["no event"])")
        }
    }

    static func misses(of event: [String: Any], _ expected: [String: Any]) -> [String] {
        var misses: [String] = []
        func check(_ key: String, _ holds: (String) -> Bool) {
            guard let wanted = expected[key].map({ "\($0)" }), !holds(wanted) else { return }
            misses.append("\(key) is not \(wanted)")
        }
        let actors = ["name", "id", "email"].compactMap { event.text("actor." + $0) }
        check("actor") { actors.contains($0) }
        let resources = ["name", "id", "type", "parent"].compactMap { event.text("resource." + $0) }
        check("resource") { wanted in resources.contains { $0.contains(wanted) } }
        check("ts") { wanted in
            let time = event.text("time").flatMap { Timestamp(parsing: $0) }
            return time?.milliseconds == Timestamp(parsing: wanted)?.milliseconds
        }
        check("ip") { $0 == event.text("client.ip") }
        check("outcome") { wanted in
            let outcome = event.text("outcome")
            return outcome == wanted || (outcome == "denied" && wanted == "failure")
        }
        check("digest") { wanted in event.text("artifact.0.digest")?.hasSuffix(wanted) ?? false }
        check("commit") { $0 == event.text("vcs.commit") }
        return misses
    }

    @Test("Every payload of a connector's source is read and says who and what", arguments: connectors)
    func everyPayload(_ connector: String) throws {
        for line in try Corpus.lines("index.jsonl") where line["source"] as? String == connector {
            let file = try #require(line["file"] as? String)
            let result = try ReadResult.reading(try Corpus.bytes(file), connector: connector)
            #expect(result.refusals.allSatisfy { $0.code == .duplicateKey }, "\(file)")
            for event in result.events {
                #expect(event["action"] != nil, "\(file)")
                #expect(event["resource"] != nil || event["targets"] != nil, "\(file)")
            }
        }
    }

    @Test("Nearly every payload is recognised by its shape alone", arguments: connectors)
    func recognition(_ connector: String) throws {
        var read = 0
        var recognised = 0
        for line in try Corpus.lines("index.jsonl") where line["source"] as? String == connector {
            let file = try #require(line["file"] as? String)
            let result = try ReadResult.reading(try Corpus.bytes(file), connector: nil)
            read += result.connectors.count
            recognised += result.connectors.count { $0 == connector }
        }
        #expect(recognised * 100 >= read * 97, "\(recognised) of \(read)")
    }

    @Test("Payloads of all other sources are read without a crash, JSON ones not refused")
    func everythingElse() throws {
        for line in try Corpus.lines("index.jsonl") {
            guard let file = line["file"] as? String else { continue }
            let result = try ReadResult.reading(try Corpus.bytes(file), connector: nil)
            #expect(result.events.count + result.refusals.count > 0, "\(file)")
        }
    }
}

enum Corpus {
    static let directory: URL = {
        if let path = ProcessInfo.processInfo.environment["CUSTODY_CORPUS"] { return URL(fileURLWithPath: path) }
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return root.deletingLastPathComponent().appendingPathComponent("shared/corpus")
    }()

    static var isPresent: Bool {
        FileManager.default.fileExists(atPath: directory.appendingPathComponent("index.jsonl").path)
    }

    static func bytes(_ file: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: directory.appendingPathComponent(file)))
    }

    static func lines(_ file: String) throws -> [[String: Any]] {
        try String(decoding: bytes(file), as: UTF8.self).split(separator: "\n").compactMap {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
    }
}
