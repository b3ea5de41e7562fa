import Foundation
import Synchronization

/// Segment files being written, in place or on a thread of its own.
final class StoreJob<Output: Sendable>: Sendable {
    private let outcome = Mutex<Result<Output, any Error>?>(nil)
    private let condition = NSCondition()

    init(inBackground: Bool, name: String, _ work: @escaping @Sendable () throws -> Output) {
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
    var finished: Result<Output, any Error>? { outcome.withLock { $0 } }

    /// Blocks until there is one.
    func wait() -> Result<Output, any Error> {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let result = finished { return result }
            condition.wait()
        }
    }
}
