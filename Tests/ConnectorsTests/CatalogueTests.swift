import Foundation
import Testing

@testable import Connectors

@Suite struct CatalogueTests {
    @Test("Every file of the catalogue is registered, and nothing else")
    func everyFileIsRegistered() throws {
        let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Sources/Connectors/Catalogue")
        let files = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        #expect(ConnectorCatalogue.builtInFiles.map(\.name).sorted() == files.sorted())
        for (name, bytes) in ConnectorCatalogue.builtInFiles {
            let onDisk = FileManager.default.contents(atPath: directory.appendingPathComponent(name).path)
            #expect(onDisk.map { [UInt8]($0) } == bytes)
        }
    }

    @Test("A connector bears the name of its file")
    func namesMatchFiles() throws {
        for (name, bytes) in ConnectorCatalogue.builtInFiles {
            let connector = try ConnectorFile.compile(String(decoding: bytes, as: UTF8.self), file: name)
            #expect(connector.name + ".yaml" == name)
        }
    }

    @Test("An unknown connector is refused with the names of those that exist")
    func unknownConnector() {
        let error = #expect(throws: ConnectorError.self) { try ConnectorCatalogue.builtIn.connector(named: "github") }
        #expect(error?.code == .unknownConnector)
        #expect(error?.reason.contains("github-webhook") == true)
    }

    @Test("A directory's connectors join the built-in ones and replace those of the same name")
    func directoryAdds() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("custody-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try Data("name: doorbell\nversion: 1\nrecognise: [{has: [ring]}]\nfields: {action: =door.ring}\n".utf8)
            .write(to: directory.appendingPathComponent("doorbell.yaml"))
        try Data("name: argocd\nversion: 9\n".utf8).write(to: directory.appendingPathComponent("argocd.yml"))
        let catalogue = try ConnectorCatalogue.builtIn.adding(filesIn: directory.path)
        #expect(try catalogue.connector(named: "argocd").version == 9)
        let result = try ReadResult.reading(#"{"ring":1}"#, connector: nil, catalogue: catalogue)
        #expect(result.connectors == ["doorbell"])
        #expect(result.events.first?.text("action") == "door.ring")
    }
}
