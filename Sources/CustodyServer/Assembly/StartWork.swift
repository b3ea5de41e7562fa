import Foundation
import Synchronization

/// Something that a start needs and that takes a core for a while, made on a thread of its own beside the rest of the start.
final class StartWork<Value: Sendable>: Sendable {
    private let outcome = Mutex<Result<Value, any Error>?>(nil)
    private let condition = NSCondition()

    /// Begins to make it.
    init(_ make: @escaping @Sendable () throws -> Value) {
        let thread = Thread { [self] in
            let result = Result { try make() }
            condition.lock()
            outcome.withLock { $0 = result }
            condition.broadcast()
            condition.unlock()
        }
        thread.name = "start"
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// What was made. Blocks until then.
    ///
    /// - Throws: what making it threw.
    func value() throws -> Value {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let result = outcome.withLock({ $0 }) { return try result.get() }
            condition.wait()
        }
    }
}
