import Connectors
import EventModel
import Foundation

@testable import Intake

/// Seals payloads as intake does and reads them again.
struct RereadingFixture {
    static let received = Timestamp(seconds: 1_795_000_000)

    /// The built-in connectors and some of a test's own.
    static func catalogue(_ files: String...) throws -> ConnectorCatalogue {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("custody-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        for (number, text) in files.enumerated() {
            try Data(text.utf8).write(to: directory.appendingPathComponent("\(number).yaml"))
        }
        return try ConnectorCatalogue.builtIn.adding(filesIn: directory.path)
    }

    /// The sealed forms of a delivery's events.
    static func seal(
        _ body: [UInt8], headers: DeliveryHeaders = DeliveryHeaders(), with catalogue: ConnectorCatalogue,
        connector: Connector?, enrichment: Enrichment = .none, workload: DeliveringWorkload? = nil
    ) throws -> [[UInt8]] {
        let preparer = DeliveryPreparer(
            catalogue: catalogue, enrichment: enrichment,
            keyer: DeliveryKeyer(secret: [UInt8](repeating: 1, count: 32)),
            limits: IntakeLimits(), counters: IntakeCounters(), earlierUse: { _, _ in .new })
        var source = DeliverySource(
            origin: EventOrigin(name: "bells", verified: "token"), connector: connector,
            fingerprintKey: [UInt8](repeating: 2, count: 32))
        source.workload = workload
        let batch = try preparer.prepare(
            Delivery(headers: headers, body: body, received: received), from: source)
        return batch.items.map { Array(batch.bytes[$0.range]) }
    }

    enum Result: Equatable {
        case same, unreadable, untouched
        case differs([EventDifference])
    }

    /// What reading a sealed event again gives.
    static func reread(
        _ sealed: [UInt8], with catalogue: ConnectorCatalogue, connector: Connector?
    ) throws -> Result {
        let reader = EventRereader(catalogue: catalogue, connector: connector)
        return try sealed.withUnsafeBytes { bytes in
            let view = try SealedView(bytes)
            return try reader.reread(view) { outcome in
                switch outcome {
                case .same: .same
                case .unreadable: .unreadable
                case .untouched: .untouched
                case .differs(let reading): .differs(EventDifference.all(between: view, and: reading))
                }
            }
        }
    }

    /// The new reading of a sealed event; nil when it reads as it was sealed.
    static func reading(
        _ sealed: [UInt8], with catalogue: ConnectorCatalogue, connector: Connector?
    ) throws -> [UInt8]? {
        let reader = EventRereader(catalogue: catalogue, connector: connector)
        return try sealed.withUnsafeBytes { bytes in
            try reader.reread(SealedView(bytes)) { outcome in
                if case .differs(let reading) = outcome { Array(reading.bytes) } else { nil }
            }
        }
    }
}

extension [UInt8] {
    func sealedText(_ field: Field, element: Int = 0) throws -> String? {
        try withUnsafeBytes { try SealedView($0).text(field, element: element) }
    }

    var sealedExtensions: [String] {
        get throws {
            try withUnsafeBytes { bytes in
                try SealedView(bytes).entries.filter { $0.field == .ext }.map {
                    $0.value.text.replacing("\0", with: "=")
                }
            }
        }
    }
}
