import DurableFiles
import EventModel
import EventStore
import Foundation
import Intake
import Journal
import Ledger
import SystemPackage

@testable import CustodyServer

/// A seeded story of deliveries, duplicates, ticks and clean restarts, which is the same whichever disk it runs on.
struct WritePathHistory {
    enum Step {
        /// One group commit: deliveries that waited together.
        case commit([Delivery])
        /// A second passes: a checkpoint is due, what waits becomes searchable.
        case second
        /// Everything is sealed into segments, as at the end of a day.
        case seal
        /// The server stops in good order and starts again.
        case restart
    }

    struct Delivery {
        let batch: PreparedBatch
        /// Of each event, its delivery id.
        let ids: [String]
    }

    static let firstSecond: Int64 = 1_790_000_000

    let seed: UInt64
    let steps: [Step]

    /// - Parameter commits: how many group commits it has; everything else comes in between.
    init(seed: UInt64, commits: Int) throws {
        var generator = SeededGenerator(seed: seed)
        var steps: [Step] = []
        var known: [String] = []
        for number in 0..<commits {
            let deliveries = try (0..<Int.random(in: 1...2, using: &generator)).map { part in
                var ids = (0..<Int.random(in: 1...3, using: &generator)).map { "\(number)-\(part)-\($0)" }
                if let old = known.randomElement(using: &generator), Bool.random(using: &generator) { ids.append(old) }
                known += ids
                // Two days of receipt and two retention classes, so that segments of four partitions interleave.
                return try Self.delivery(
                    ids, day: Int64.random(in: 0...1, using: &generator),
                    retentionClass: UInt16.random(in: 0...1, using: &generator))
            }
            steps.append(.commit(deliveries))
            switch Int.random(in: 0..<6, using: &generator) {
            case 0, 1, 2: steps.append(.second)
            case 3: steps.append(.seal)
            case 4: steps.append(.restart)
            default: break
            }
        }
        self.seed = seed
        self.steps = steps
    }

    static func delivery(_ ids: [String], day: Int64 = 0, retentionClass: UInt16 = 0) throws -> Delivery {
        let origin = EventOrigin(name: "github", retentionClass: retentionClass, verified: "hmac")
        var builder = BatchBuilder(
            origin: origin, received: Timestamp(seconds: firstSecond + day * 86_400),
            keyer: DeliveryKeyer(secret: WritePath.keys.deduplication))
        for (position, id) in ids.enumerated() {
            var record = EventRecord()
            record.set(.sourceKind, "github-webhook")
            record.set(.action, "code.push")
            record.set(.sourceDelivery, id)
            var payload = "{\"id\":\"\(id)\"}"
            payload.withUTF8 {
                builder.add(&record, payload: UnsafeRawBufferPointer($0), position: position, part: nil)
            }
        }
        return Delivery(batch: try builder.finish(), ids: ids)
    }
}

/// What the write path has promised to the outside.
struct WritePathPromises {
    /// Of each acknowledged event its leaf and delivery id.
    fileprivate(set) var acknowledged: [(index: UInt64, id: String)] = []
    /// The group that is being committed: when the end comes now, it may be kept as a whole or not at all.
    var unanswered: [WritePathHistory.Delivery] = []
    var published: Checkpoint?
    /// How far detection has come; its cursor is in another durable place.
    var detected: UInt64 = 0

    var count: UInt64 { acknowledged.last.map { $0.index + 1 } ?? 0 }
}

/// The promises of a run, and at which operation of the disk each was given.
final class WritePathRecord {
    private let disk: FaultingFileSystem
    private var changes: [(operation: Int, promises: WritePathPromises)] = []

    var promises = WritePathPromises() {
        didSet { changes.append((disk.operationCount, promises)) }
    }

    init(_ disk: FaultingFileSystem) { self.disk = disk }

    func acknowledge(_ deliveries: [WritePathHistory.Delivery], _ outcomes: [[CommitOutcome]]) {
        var changed = promises
        for (delivery, outcomes) in zip(deliveries, outcomes) {
            for (id, outcome) in zip(delivery.ids, outcomes) {
                if case .accepted(let index) = outcome { changed.acknowledged.append((index.rawValue, id)) }
            }
        }
        changed.unanswered = []
        promises = changed
    }

    func publish(_ checkpoint: Checkpoint?) {
        if let checkpoint, checkpoint != promises.published { promises.published = checkpoint }
    }

    /// What was promised when an operation began, and the number of that promise.
    func promises(beforeOperation operation: Int) -> (number: Int, promises: WritePathPromises) {
        guard let number = changes.lastIndex(where: { $0.operation < operation }) else {
            return (-1, WritePathPromises())
        }
        return (number, changes[number].promises)
    }
}
