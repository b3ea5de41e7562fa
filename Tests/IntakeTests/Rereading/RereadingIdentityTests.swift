import Connectors
import EventModel
import Foundation
import Testing

@testable import Intake

private struct Sample: CustomTestStringConvertible, Sendable {
    let connector: String
    let name: String
    let payload: [UInt8]
    let headers: [String: String]
    var testDescription: String { "\(connector)/\(name)" }
}

/// The payloads of all connectors' fixtures.
private let samples: [Sample] = {
    let root = (0..<3).reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
        .appendingPathComponent("ConnectorsTests/Fixtures")
    let files = FileManager.default
    var samples: [Sample] = []
    for connector in (try? files.contentsOfDirectory(atPath: root.path).sorted()) ?? [] {
        let folder = root.appendingPathComponent(connector)
        let names = (try? files.contentsOfDirectory(atPath: folder.path).sorted()) ?? []
        for name in names where !name.contains(".expected.") && !name.contains(".headers.") {
            guard let payload = files.contents(atPath: folder.appendingPathComponent(name).path) else { continue }
            let stem = URL(fileURLWithPath: name).deletingPathExtension().lastPathComponent
            let lines = files.contents(atPath: folder.appendingPathComponent("\(stem).headers.json").path)
            let headers = lines.flatMap { try? JSONDecoder().decode([String: String].self, from: $0) } ?? [:]
            samples.append(Sample(connector: connector, name: name, payload: [UInt8](payload), headers: headers))
        }
    }
    return samples
}()

/// Whatever a connector reads when an event comes, it reads from the sealed event too: else every run would show differences that
/// no better connector made.
@Suite("Reading again with the same connectors")
struct RereadingIdentityTests {
    @Test("gives the same fields, for every fixture of every connector, headers or not", arguments: samples)
    private func identity(sample: Sample) throws {
        let catalogue = ConnectorCatalogue.builtIn
        let headers = DeliveryHeaders(sample.headers.map { ($0.key, $0.value) })
        let known = try? catalogue.connector(named: sample.connector)
        for connector in [known, nil] {
            for sealed in try RereadingFixture.seal(
                sample.payload, headers: headers, with: catalogue, connector: connector)
            {
                #expect(
                    try RereadingFixture.reread(sealed, with: catalogue, connector: connector) == .same,
                    "\(connector == nil ? "recognised" : "named")")
            }
        }
    }

    @Test("There are fixtures") func exist() { #expect(samples.count > 100) }
}
