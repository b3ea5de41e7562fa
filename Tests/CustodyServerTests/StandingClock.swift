import EventModel
import Synchronization

@testable import CustodyServer

/// The wall clock, which can be made to stand still: what is counted by the minute is then the same on a busy machine.
final class StandingClock: Sendable {
    private let stood = Mutex<Timestamp?>(nil)

    var now: Timestamp { stood.withLock { $0 } ?? WallClock.now() }

    func stand() { stood.withLock { $0 = WallClock.now() } }
    func run() { stood.withLock { $0 = nil } }
}
