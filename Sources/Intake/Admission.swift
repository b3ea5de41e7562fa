import Synchronization

/// The budget of unfinished bytes: what bounds intake's memory, and how long an acknowledged event waits until it is found.
///
/// A delivery is admitted with its size before its body is worked on and gives the bytes back when every view has
/// processed it. The budget is a number of bytes, and at saturation what the views give back in ``residence``, where that is
/// less: a slow machine, or one whose cores search, has a smaller house. A delivery larger than that is admitted when it is
/// alone, and those that come after it find the room that there is without it, up to the number of bytes. One that does not
/// fit waits for its turn, first come first served, for ``patience`` at most: views give room back many times a second, and a
/// sender that was refused would bring the same bytes again later. What waits is bounded too: beyond that, a delivery is
/// refused at once, and its sender told when to try again.
package final class Admission: Sendable {
    /// How long a delivery waits for room: what a full house needs to give back all it has, twice, so that the largest one
    /// gets its turn, and not what a sender takes for a hang.
    package static let patience = Duration.seconds(1)
    /// How long a full house should need to give back what is in it: half of the second in which everything has to be found.
    package static let residence = Duration.milliseconds(500)
    /// Of the number of bytes, the share below which the budget does not go: one late view, or a disk that stalls, is no pace,
    /// and a house that holds a few deliveries keeps the views busy.
    package static let leastShare = 4
    /// Of the budget, the share that may wait beyond it, or one delivery of any size. Bodies of what waits are in memory already.
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
        /// When the house got its first delivery, or gave one back last.
        var since: ContinuousClock.Instant
        var pace = AdmissionPace()
        /// Bytes of a delivery in the house that is larger than the budget was; 0 for none.
        var oversized = 0
    }

    private let limit: Int
    private let sleep: @Sendable (Duration) async -> Void
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state: Mutex<State>

    /// - Parameters:
    ///   - limit: Bytes, however fast they are given back.
    ///   - sleep: Lets so much time pass.
    package init(
        limit: Int, sleep: @escaping @Sendable (Duration) async -> Void = { try? await Task.sleep(for: $0) },
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.limit = limit
        self.sleep = sleep
        self.now = now
        state = Mutex(State(since: now()))
    }

    package var usedBytes: Int { state.withLock(\.used) }
    /// The budget as it is now: what the views give back in ``residence``, and the limit at most.
    package var budgetBytes: Int { state.withLock { budget($0) } }
    /// Whether there is no room for a delivery of any size.
    package var isFull: Bool { state.withLock { !hasRoom(for: 1, $0) } }
    /// Deliveries that wait for room.
    package var waitingCount: Int { state.withLock(\.waiting.count) }

    /// Takes bytes from the budget, when there is room for them. A delivery larger than the whole budget is admitted when
    /// nothing else is in the house.
    ///
    /// - Throws: ``IntakeError/Code-swift.enum/overloaded`` when there is none in time; `CancellationError`.
    package func admit(_ bytes: Int) async throws -> Admitted {
        let number = state.withLock { state -> UInt64? in
            if state.waiting.isEmpty, hasRoom(for: bytes, state) {
                take(bytes, &state)
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

    private func budget(_ state: State) -> Int {
        guard let pace = state.pace.bytesPerSecond else { return limit }
        return max(limit / Self.leastShare, min(limit, Int(pace * (Self.residence / .seconds(1)))))
    }

    private func hasRoom(for bytes: Int, _ state: State) -> Bool {
        guard state.used > 0 else { return true }
        return state.used - state.oversized + bytes <= budget(state) && state.used + bytes <= limit
    }

    private func take(_ bytes: Int, _ state: inout State) {
        if state.used == 0 {
            state.since = now()
            state.oversized = bytes > budget(state) ? bytes : 0
        }
        state.used += bytes
    }

    private func enqueue(_ waiter: Waiter) {
        let isWaiting = state.withLock { state in
            guard state.waiting.isEmpty || state.waitingBytes + waiter.bytes <= limit / Self.waitingShare else {
                return false
            }
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
            if bytes > 0 {
                if bytes == state.oversized { state.oversized = 0 }
                let moment = now()
                // Only a house that somebody waits for is as fast as it can.
                if !state.waiting.isEmpty { state.pace.add(bytes, in: moment - state.since) }
                state.since = moment
            }
            var admitted = 0
            while admitted < state.waiting.count, hasRoom(for: state.waiting[admitted].bytes, state) {
                take(state.waiting[admitted].bytes, &state)
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
