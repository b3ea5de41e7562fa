import Synchronization

/// The budget of unfinished bytes: what bounds intake's memory.
///
/// A delivery is admitted with its size before its body is worked on and gives the bytes back when every view has
/// processed it. One that does not fit waits for its turn, first come first served, for ``patience`` at most: views give room
/// back many times a second, and a sender that was refused would bring the same bytes again later. What waits is bounded too:
/// beyond that, a delivery is refused at once, and its sender told when to try again.
package final class Admission: Sendable {
    /// How long a delivery waits for room: several times what a view needs for one, and not what a sender takes for a hang.
    package static let patience = Duration.milliseconds(250)
    /// Of the budget, the share that may wait beyond it. Bodies of what waits are in memory already.
    package static let waitingShare = 2

    private struct Waiter {
        let number: UInt64
        let bytes: Int
        let continuation: CheckedContinuation<Admitted, any Error>
    }

    private struct State {
        var used = 0
        var waiting: [Waiter] = []
        var waitingBytes = 0
        var numbers: UInt64 = 0
    }

    private let limit: Int
    private let sleep: @Sendable (Duration) async -> Void
    private let state = Mutex(State())

    /// - Parameter sleep: Lets so much time pass.
    package init(
        limit: Int, sleep: @escaping @Sendable (Duration) async -> Void = { try? await Task.sleep(for: $0) }
    ) {
        self.limit = limit
        self.sleep = sleep
    }

    package var usedBytes: Int { state.withLock(\.used) }
    /// Deliveries that wait for room.
    package var waitingCount: Int { state.withLock(\.waiting.count) }

    /// Takes bytes from the budget, when there is room for them. A delivery larger than the whole budget is admitted when
    /// nothing else is in the house.
    ///
    /// - Throws: ``IntakeError/Code-swift.enum/overloaded`` when there is none in time; `CancellationError`.
    package func admit(_ bytes: Int) async throws -> Admitted {
        let number = state.withLock { state -> UInt64? in
            if state.waiting.isEmpty, hasRoom(for: bytes, state) {
                state.used += bytes
                return nil
            }
            state.numbers += 1
            return state.numbers
        }
        guard let number else { return Admitted(admission: self, bytes: bytes) }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                enqueue(Waiter(number: number, bytes: bytes, continuation: continuation))
            }
        } onCancel: {
            refuse(number, CancellationError())
        }
    }

    private func hasRoom(for bytes: Int, _ state: State) -> Bool { state.used == 0 || state.used + bytes <= limit }

    private func enqueue(_ waiter: Waiter) {
        let isWaiting = state.withLock { state in
            guard state.waitingBytes + waiter.bytes <= limit / Self.waitingShare else { return false }
            state.waiting.append(waiter)
            state.waitingBytes += waiter.bytes
            return true
        }
        guard isWaiting else { return waiter.continuation.resume(throwing: Self.overloaded) }
        // Room may have come before this one stood in the queue.
        release(0)
        Task {
            await sleep(Self.patience)
            refuse(waiter.number, Self.overloaded)
        }
    }

    private func refuse(_ number: UInt64, _ error: any Error) {
        let waiter = state.withLock { state -> Waiter? in
            guard let position = state.waiting.firstIndex(where: { $0.number == number }) else { return nil }
            state.waitingBytes -= state.waiting[position].bytes
            return state.waiting.remove(at: position)
        }
        guard let waiter else { return }
        waiter.continuation.resume(throwing: error)
        // It may have been the one that the others stood behind.
        release(0)
    }

    fileprivate func release(_ bytes: Int) {
        let admitted = state.withLock { state in
            state.used -= bytes
            var admitted = 0
            while admitted < state.waiting.count, hasRoom(for: state.waiting[admitted].bytes, state) {
                state.used += state.waiting[admitted].bytes
                state.waitingBytes -= state.waiting[admitted].bytes
                admitted += 1
            }
            defer { state.waiting.removeFirst(admitted) }
            return Array(state.waiting.prefix(admitted))
        }
        for waiter in admitted {
            waiter.continuation.resume(returning: Admitted(admission: self, bytes: waiter.bytes))
        }
    }

    private static let overloaded = IntakeError(.overloaded, "too much is waiting to be committed")
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
