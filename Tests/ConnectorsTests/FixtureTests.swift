import Connectors
import Foundation
import Testing

@Suite struct FixtureTests {
    @Test("Every fixture becomes the canonical events beside it", arguments: Fixture.all)
    func becomesExpected(_ fixture: Fixture) throws {
        let result = try ReadResult.reading(fixture.payload, headers: fixture.headers, connector: fixture.connector)
        #expect(result.refusals.isEmpty)
        let expected = try JSONSerialization.jsonObject(with: Data(fixture.expected.utf8)) as? [[String: Any]]
        #expect(try Self.text(result.events) == Self.text(expected ?? []))
    }

    /// Sources whose events have another's shape: only headers tell them apart.
    private static let knownByHeaders: Set<String> = ["forgejo-webhook", "gogs-webhook"]
    /// Sources whose events another connector recognises and reads the same.
    private static let namedOnly: Set<String> = ["gitlab-system-hook", "syslog-rfc3164", "syslog-rfc5424"]

    @Test(
        "Every fixture is recognised by its shape alone, or by headers where its shape is another source's",
        arguments: Fixture.all)
    func isRecognised(_ fixture: Fixture) throws {
        guard !Self.namedOnly.contains(fixture.connector) else { return }
        let headers = Self.knownByHeaders.contains(fixture.connector) ? fixture.headers : DeliveryHeaders()
        let result = try ReadResult.reading(fixture.payload, headers: headers, connector: nil)
        #expect(Set(result.connectors) == [fixture.connector])
    }

    @Test("Every built-in connector but none other has fixtures")
    func everyConnectorHasFixtures() {
        #expect(Set(Fixture.all.map(\.connector)) == Set(ConnectorCatalogue.builtIn.connectors.map(\.name)))
    }

    private static func text(_ events: [[String: Any]]) throws -> String {
        let data = try JSONSerialization.data(withJSONObject: events, options: [.prettyPrinted, .sortedKeys])
        return String(decoding: data, as: UTF8.self)
    }
}
