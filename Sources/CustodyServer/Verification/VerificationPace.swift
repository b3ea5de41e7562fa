import Foundation
import Ledger

/// How much of the machine a verification may take.
package struct VerificationPace: Sendable {
    /// As fast as all cores go: somebody waits for the answer.
    package static let unbounded = VerificationPace(share: 1, concurrency: ProcessInfo.processInfo.activeProcessorCount)

    /// The part of the time that is spent reading and hashing, above 0 up to 1; for the rest it sleeps.
    let share: Double
    /// Pieces of work at a time.
    let concurrency: Int
    private let sleep: @Sendable (Duration) async throws -> Void

    /// One core for a share of the time, for work in the background.
    static func background(
        share: Double, sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) -> VerificationPace {
        VerificationPace(share: share, concurrency: 1, sleep: sleep)
    }

    private init(
        share: Double, concurrency: Int,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        precondition(share > 0 && share <= 1, "a share is above 0 and at most 1")
        self.share = share
        self.concurrency = concurrency
        self.sleep = sleep
    }

    /// Works, and then rests as long as the share asks for. Cancelled, it does not rest.
    func run<Result>(_ work: () async throws -> Result) async rethrows -> Result {
        guard share < 1 else { return try await work() }
        let start = ContinuousClock.now
        let result = try await work()
        try? await sleep((ContinuousClock.now - start) * (1 / share - 1))
        return result
    }
}

/// A ledger's tiles, read at a pace.
struct PacedTileSource: TileSource {
    private let source: any TileSource
    private let pace: VerificationPace

    init(_ source: any TileSource, _ pace: VerificationPace) {
        self.source = source
        self.pace = pace
    }

    func checkpoint() async throws -> [UInt8] { try await source.checkpoint() }
    func bytes(_ path: TilePath) async throws -> [UInt8] { try await pace.run { try await source.bytes(path) } }
}
