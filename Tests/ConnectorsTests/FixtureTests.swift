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

    @Test("Every fixture is recognised by its shape alone", arguments: Fixture.all)
    func isRecognised(_ fixture: Fixture) throws {
        let result = try ReadResult.reading(fixture.payload, connector: nil)
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
