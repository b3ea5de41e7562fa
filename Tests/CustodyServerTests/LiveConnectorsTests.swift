import Connectors
import Foundation
import Testing

@testable import CustodyServer

@Suite struct LiveConnectorsTests {
    private let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
        "custody-\(UUID().uuidString)")

    /// Sizes differ from version to version, so that no two states of a file look alike however coarse the clock.
    private func write(_ text: String, as name: String = "doorbell.yaml") throws {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: directory.appendingPathComponent(name))
    }

    private func version(of name: String, in connectors: LiveConnectors) -> Int? {
        try? connectors.current.connector(named: name).version
    }

    @Test("A changed file is in force after the second look at it, and what is unchanged is not read again")
    func reloads() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        try write("name: doorbell\nversion: 1\n")
        let live = try LiveConnectors(directories: [directory.path])
        #expect(live.reloadIfChanged(needed: []) == .unchanged)
        #expect(version(of: "doorbell", in: live) == 1)
        try write("name: doorbell\nversion: 22\n")
        #expect(live.reloadIfChanged(needed: []) == .unchanged)
        #expect(version(of: "doorbell", in: live) == 1)
        let count = ConnectorCatalogue.builtIn.connectors.count + 1
        #expect(live.reloadIfChanged(needed: ["doorbell"]) == .reloaded(connectors: count))
        #expect(version(of: "doorbell", in: live) == 22)
        #expect(live.reloadIfChanged(needed: []) == .unchanged)
    }

    @Test("A file that does not compile leaves those before it in force, is told once, and is taken when it is mended")
    func refusesFaultyFile() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        try write("name: doorbell\nversion: 1\n")
        let live = try LiveConnectors(directories: [directory.path])
        try write("name: doorbell\nversion: 2\nfeilds: {}\n")
        _ = live.reloadIfChanged(needed: [])
        guard case .refused(let reason) = live.reloadIfChanged(needed: []) else {
            Issue.record("a faulty file was taken")
            return
        }
        #expect(reason.contains("doorbell.yaml:3:") && reason.contains("feilds"))
        #expect(version(of: "doorbell", in: live) == 1)
        #expect(live.reloadIfChanged(needed: []) == .unchanged)
        try write("name: doorbell\nversion: 3\nfields: {}\ntitle: Bell\n")
        _ = live.reloadIfChanged(needed: [])
        guard case .reloaded = live.reloadIfChanged(needed: []) else {
            Issue.record("the mended file was not taken")
            return
        }
        #expect(version(of: "doorbell", in: live) == 3)
    }

    @Test("A connector that a source names cannot be taken away under it")
    func keepsNeeded() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        try write("name: doorbell\nversion: 1\n")
        let live = try LiveConnectors(directories: [directory.path])
        try FileManager.default.removeItem(at: directory.appendingPathComponent("doorbell.yaml"))
        _ = live.reloadIfChanged(needed: ["doorbell"])
        guard case .refused(let reason) = live.reloadIfChanged(needed: ["doorbell"]) else {
            Issue.record("the connector was taken away")
            return
        }
        #expect(reason.contains("doorbell"))
        #expect(version(of: "doorbell", in: live) == 1)
    }

    @Test("A server does not start with a connector that it cannot read")
    func refusesAtStart() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        try write("name: doorbell\n")
        let error = #expect(throws: ConnectorError.self) { try LiveConnectors(directories: [directory.path]) }
        #expect(error?.line == 1)
    }
}
