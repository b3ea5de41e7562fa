import Foundation

/// A value behind a lock, with waiting: the hand-over between tasks and the threads that do blocking work.
///
/// `@unchecked Sendable` holds because `value` is touched only between `lock` and `unlock` of the condition.
final class Condition<Value>: @unchecked Sendable {
    private let condition = NSCondition()
    private var value: Value

    init(_ value: sending Value) { self.value = value }

    /// Changes the value and wakes whoever waits.
    func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return try body(&value)
    }

    /// Waits until `body` gives something.
    func wait<Result>(_ body: (inout Value) -> Result?) -> Result {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let result = body(&value) { return result }
            condition.wait()
        }
    }

    /// Waits until `body` gives something or the moment has come; nil then.
    func take<Result>(until deadline: ContinuousClock.Instant, _ body: (inout Value) -> Result?) -> Result? {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let result = body(&value) { return result }
            let left = deadline - ContinuousClock.now
            guard left > .zero else { return nil }
            let seconds = Double(left.components.seconds) + Double(left.components.attoseconds) * 1e-18
            if !condition.wait(until: Date(timeIntervalSinceNow: seconds)) { return body(&value) }
        }
    }
}
