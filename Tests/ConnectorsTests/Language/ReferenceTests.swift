import Foundation
import Testing

@testable import Connectors

@Suite struct ReferenceTests {
    private static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("docs/connector-reference.md")

    /// `CUSTODY_WRITE_REFERENCE=1 swift test --filter ReferenceTests` writes the page anew.
    @Test("docs/connector-reference.md is what the code says")
    func isCurrent() throws {
        if ProcessInfo.processInfo.environment["CUSTODY_WRITE_REFERENCE"] != nil {
            try Data(ConnectorReference.page.utf8).write(to: Self.file)
        }
        let written = try String(decoding: Data(contentsOf: Self.file), as: UTF8.self)
        // Long texts make unreadable failures: the first line that differs is what one wants to know.
        let pairs = zip(written.split(separator: "\n"), ConnectorReference.page.split(separator: "\n"))
        let difference = pairs.first { $0.0 != $0.1 }
        #expect(difference == nil)
        #expect(written == ConnectorReference.page)
    }

    @Test("Every key that the parsers accept is described, and no other")
    func everyKeyIsDescribed() {
        #expect(ConnectorReference.undescribed.isEmpty)
        #expect(ConnectorReference.stray.isEmpty)
    }

    @Test("How each connector is connected is told in docs/sources.md")
    func everyConnectorHasASection() throws {
        let sources = Self.file.deletingLastPathComponent().appendingPathComponent("sources.md")
        let page = try String(decoding: Data(contentsOf: sources), as: UTF8.self)
        for connector in ConnectorCatalogue.builtIn.connectors {
            #expect(page.contains("`\(connector.name)`"), "\(connector.name)")
        }
    }
}
