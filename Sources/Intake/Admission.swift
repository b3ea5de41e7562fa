import Synchronization

/// The budget of unfinished bytes: what bounds intake's memory.
///
/// A delivery is admitted with its size before its body is worked on and gives the bytes back when every view has
/// processed it. Nothing waits here: a delivery that does not fit is refused at once, and its sender told when to try again.
package final class Admission: Sendable {
    private let limit: Int
    private let used = Atomic<Int>(0)

    package init(limit: Int) { self.limit = limit }

    package var usedBytes: Int { used.load(ordering: .relaxed) }

    /// Takes bytes from the budget. A delivery larger than the whole budget is admitted when nothing else is in the house.
    ///
    /// - Throws: ``IntakeError/Code-swift.enum/overloaded``.
    package func admit(_ bytes: Int) throws -> Admitted {
        let after = used.add(bytes, ordering: .relaxed).newValue
        guard after <= limit || after == bytes else {
            used.subtract(bytes, ordering: .relaxed)
            throw IntakeError(.overloaded, "too much is waiting to be committed")
        }
        return Admitted(admission: self, bytes: bytes)
    }

    fileprivate func release(_ bytes: Int) { used.subtract(bytes, ordering: .relaxed) }
}

/// Bytes of the budget; they go back when the last holder lets go of it.
package final class Admitted: Sendable {
    private let admission: Admission
    private let bytes: Int

    fileprivate init(admission: Admission, bytes: Int) {
        self.admission = admission
        self.bytes = bytes
    }

    deinit { admission.release(bytes) }
}
