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

@Suite struct ConnectorDirectoryTests {
    private func withDirectory(_ body: (URL) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("custody-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try body(directory)
    }

    @Test("A file may be like another of its directory, whichever comes first")
    func likeASibling() throws {
        try withDirectory { directory in
            try Data("name: bell-two\nversion: 1\nlike: bell\n".utf8)
                .write(to: directory.appendingPathComponent("a.yaml"))
            try Data("name: bell-one\nversion: 1\nfields: {action: =door.ring}\n".utf8)
                .write(to: directory.appendingPathComponent("bell.yaml"))
            let catalogue = try ConnectorCatalogue.builtIn.adding(filesIn: directory.path)
            let result = try ReadResult.reading("{}", connector: "bell-two", catalogue: catalogue)
            #expect(result.events.first?.text("action") == "door.ring")
            #expect(result.events.first?.text("norm.version") == "bell-two/1")
        }
    }

    @Test("What is no connector file is left alone; what is too large or no text is refused by name")
    func limits() throws {
        try withDirectory { directory in
            try Data("not yaml: [".utf8).write(to: directory.appendingPathComponent("notes.txt"))
            try Data("not yaml: [".utf8).write(to: directory.appendingPathComponent(".hidden.yaml"))
            #expect(throws: Never.self) { try ConnectorCatalogue.builtIn.adding(filesIn: directory.path) }
            let large = directory.appendingPathComponent("large.yaml")
            try Data(repeating: UInt8(ascii: "#"), count: ConnectorDirectory.maximumFileBytes + 1).write(to: large)
            var error = #expect(throws: ConnectorError.self) {
                try ConnectorCatalogue.builtIn.adding(filesIn: directory.path)
            }
            #expect(error?.file?.hasSuffix("large.yaml") == true)
            #expect(error?.reason.contains("262144 bytes") == true)
            try Data([0x6E, 0xFF]).write(to: large)
            error = #expect(throws: ConnectorError.self) {
                try ConnectorCatalogue.builtIn.adding(filesIn: directory.path)
            }
            #expect(error?.reason == "the file is not UTF-8")
        }
    }

    @Test("More files than the limit are refused")
    func tooMany() throws {
        try withDirectory { directory in
            for number in 0...ConnectorDirectory.maximumFiles {
                try Data().write(to: directory.appendingPathComponent("\(number).yaml"))
            }
            let error = #expect(throws: ConnectorError.self) {
                try ConnectorCatalogue.builtIn.adding(filesIn: directory.path)
            }
            #expect(error?.reason.contains("more than 512") == true)
        }
    }

    @Test("A missing directory is told")
    func missing() {
        let error = #expect(throws: ConnectorError.self) {
            try ConnectorCatalogue.builtIn.adding(filesIn: "/nowhere/at/all")
        }
        #expect(error?.code == .unreadableFile)
    }
}
