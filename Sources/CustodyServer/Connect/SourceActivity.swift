import Connectors
import EventModel
import Intake
import Synchronization

/// How far a delivery came: what somebody who has just connected a source wants to see.
enum DeliveryStage: String, CaseIterable, Sendable {
    case received, verified, normalised, sealed
}

/// One delivery of a source and what became of it.
struct DeliveryAttempt: Sendable {
    /// Counts a source's attempts since the start, from 1.
    var number: UInt64 = 0
    let received: Timestamp
    let client: String?
    var bytes: Int?
    var verification: Verification?
    /// Entries of the delivery that were refused, and why the first one was.
    var rejected = 0
    var rejection: String?
    var accepted = 0
    var duplicates = 0
    var indexes: ClosedRange<LeafIndex>?
    /// Where it ended, and why; nil when it went all the way.
    var failure: (stage: DeliveryStage, reason: String)?

    init(received: Timestamp, client: String?) {
        self.received = received
        self.client = client
    }

    /// A delivery that was refused before intake: its body could not be read (nil bytes), or it did not prove where it is from.
    init(received: Timestamp, client: String?, bytes: Int?, refused error: any Error) {
        self.init(received: received, client: client)
        self.bytes = bytes
        failure = (bytes == nil ? .received : .verified, ProblemMapper.problem(for: error).detail)
    }

    /// A delivery that came as far as intake.
    init(_ delivery: Delivery, verified: Verification?, client: String?, _ result: Result<IntakeAnswer, any Error>) {
        self.init(received: delivery.received, client: client)
        bytes = delivery.body.count
        verification = verified
        switch result {
        case .success(let answer):
            accepted = answer.accepted
            duplicates = answer.duplicates
            indexes = answer.indexes
            rejected = answer.rejected.count
            rejection = answer.rejected.first?.reason
        case .failure(let error): failure = (.sealed, ProblemMapper.problem(for: error).detail)
        }
    }
}

/// The latest deliveries of each source, refused ones included, in memory: it shows how connecting goes, the ledger and the
/// quarantine keep what matters.
final class SourceActivity: Sendable {
    /// Attempts that are kept of a source: what fits on a page.
    static let attemptsPerSource = 20
    /// Sources of which attempts are kept: about 5 MiB at most. Beyond, the one that has been quiet for longest is forgotten.
    static let maximumSources = 1_024

    private struct Activity {
        var count: UInt64 = 0
        var attempts: [DeliveryAttempt] = []
        var latest: Int64 { attempts.last?.received.rawValue ?? .min }
    }

    private let sources = Mutex<[String: Activity]>([:])

    func note(_ attempt: DeliveryAttempt, source: String) {
        sources.withLock { sources in
            if sources[source] == nil, sources.count >= Self.maximumSources {
                let quietest = sources.min { $0.value.latest < $1.value.latest }
                sources[quietest?.key ?? source] = nil
            }
            var attempt = attempt
            sources[source, default: Activity()].count += 1
            attempt.number = sources[source]?.count ?? 0
            sources[source]?.attempts.append(attempt)
            if let count = sources[source]?.attempts.count, count > Self.attemptsPerSource {
                sources[source]?.attempts.removeFirst(count - Self.attemptsPerSource)
            }
        }
    }

    /// The latest first.
    func attempts(of source: String) -> [DeliveryAttempt] {
        sources.withLock { $0[source]?.attempts.reversed() ?? [] }
    }
}
