import Foundation
import Synchronization

/// A segment file being written, in place or on a thread of its own.
final class StoreJob: Sendable {
    private let outcome = Mutex<Result<SegmentReader, any Error>?>(nil)
    private let condition = NSCondition()

    init(inBackground: Bool, name: String, _ work: @escaping @Sendable () throws -> SegmentReader) {
        guard inBackground else {
            let result = Result { try work() }
            outcome.withLock { $0 = result }
            return
        }
        let thread = Thread { [self] in
            let result = Result { try work() }
            condition.lock()
            outcome.withLock { $0 = result }
            condition.broadcast()
            condition.unlock()
        }
        thread.name = name
        thread.start()
    }

    /// The outcome, when there is one.
    var finished: Result<SegmentReader, any Error>? { outcome.withLock { $0 } }

    /// Blocks until there is one.
    func wait() -> Result<SegmentReader, any Error> {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let result = finished { return result }
            condition.wait()
        }
    }
}
