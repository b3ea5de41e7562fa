import Connectors
import EventModel
import Foundation
import Testing

/// A payload of our own making beside the canonical events that it must become.
struct Fixture: CustomTestStringConvertible, Sendable {
    let connector: String
    let name: String
    let payload: [UInt8]
    let headers: DeliveryHeaders
    let expected: String

    var testDescription: String { "\(connector)/\(name)" }

    static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
        "Fixtures")

    static let all: [Fixture] = {
        let files = FileManager.default
        let connectors = (try? files.contentsOfDirectory(atPath: directory.path)) ?? []
        return connectors.sorted().flatMap { connector -> [Fixture] in
            let folder = directory.appendingPathComponent(connector)
            let names = (try? files.contentsOfDirectory(atPath: folder.path)) ?? []
            return names.sorted().filter { $0.hasSuffix(".expected.json") }.compactMap { file in
                let name = String(file.dropLast(".expected.json".count))
                // Lines of text stand in files of their own kind.
                let payload = [".json", ".log"].lazy.compactMap {
                    files.contents(atPath: folder.appendingPathComponent(name + $0).path)
                }.first
                guard let payload,
                    let expected = files.contents(atPath: folder.appendingPathComponent(file).path)
                else { return nil }
                var headers = DeliveryHeaders()
                if let lines = files.contents(atPath: folder.appendingPathComponent(name + ".headers.json").path),
                    let pairs = try? JSONSerialization.jsonObject(with: lines) as? [String: String]
                {
                    for (name, value) in pairs { headers.add(name, value) }
                }
                return Fixture(
                    connector: connector, name: name, payload: [UInt8](payload), headers: headers,
                    expected: String(decoding: expected, as: UTF8.self))
            }
        }
    }()
}

/// What reading a body gave.
struct ReadResult {
    var events: [[String: Any]] = []
    var parts: [String?] = []
    var payloads: [String] = []
    var connectors: [String] = []
    var bases: [DeduplicationBasis] = []
    var refusals: [(position: Int, part: String?, code: EventModelError.Code)] = []

    static func reading(
        _ body: [UInt8], headers: DeliveryHeaders = DeliveryHeaders(), connector: String?,
        catalogue: ConnectorCatalogue = .builtIn, limits: JSONLimits = JSONLimits()
    ) throws -> ReadResult {
        var result = ReadResult()
        let reader = DeliveryReader(catalogue: catalogue, limits: limits)
        let chosen = try connector.map { try catalogue.connector(named: $0) }
        try body.withUnsafeBytes { bytes in
            try reader.read(
                bytes, headers: headers, connector: chosen,
                onEvent: { record, event in
                    var sealed: [UInt8] = []
                    SealedForm.append(&record, payload: event.payload, to: &sealed)
                    var json: [UInt8] = []
                    try sealed.withUnsafeBytes { EventJSON.append(try SealedView($0), index: nil, to: &json) }
                    let object = try JSONSerialization.jsonObject(with: Data(json)) as? [String: Any]
                    result.events.append(object ?? [:])
                    result.parts.append(event.part)
                    result.payloads.append(event.payload.text)
                    result.connectors.append(event.connector.name)
                    result.bases.append(event.deduplication)
                },
                onRefusal: { result.refusals.append(($0.position, $0.part, $0.error.code)) })
        }
        return result
    }

    static func reading(
        _ body: String, connector: String?, catalogue: ConnectorCatalogue = .builtIn, limits: JSONLimits = JSONLimits()
    ) throws -> ReadResult {
        try reading(Array(body.utf8), connector: connector, catalogue: catalogue, limits: limits)
    }
}

extension Dictionary where Key == String, Value == Any {
    /// The text or number at a dotted path.
    func text(_ path: String) -> String? {
        var value: Any? = self
        for key in path.split(separator: ".") {
            if let array = value as? [Any], let index = Int(key) {
                value = index < array.count ? array[index] : nil
            } else {
                value = (value as? [String: Any])?[String(key)]
            }
        }
        return value.map { "\($0)" }
    }
}
