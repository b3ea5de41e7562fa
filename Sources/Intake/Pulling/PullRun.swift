package import Connectors
import EventModel
package import Synchronization

/// What one pull has done since the start; shown as metrics.
package final class PullCounters: Sendable {
    package let pages = Atomic<Int>(0)
    package let events = Atomic<Int>(0)
    package let duplicates = Atomic<Int>(0)
    package let failures = Atomic<Int>(0)
    package let gaps = Atomic<Int>(0)
    /// When the last page came, in seconds since 1970; 0 when none has.
    package let lastPage = Atomic<Int>(0)
    private let failure = Mutex<String?>(nil)

    package init() {}

    /// Why the last attempt failed; nil when it did not.
    package var lastFailure: String? { failure.withLock { $0 } }

    /// - Returns: Whether it is another reason than the last time.
    func noteFailure(_ reason: String?) -> Bool {
        failure.withLock { last in
            defer { last = reason }
            return last != reason
        }
    }
}

/// Pulls from one place into intake until its task is cancelled.
package struct PullRun: Sendable {
    /// What a pull needs of the server around it.
    package struct Surroundings: Sendable {
        package var loadCursor: @Sendable () async throws -> PullCursor?
        package var saveCursor: @Sendable (PullCursor) async throws -> Void
        /// Commits a delivery; when it returns, what was accepted is durable.
        package var submit: @Sendable (Delivery, _ deliveryID: String?) async throws -> (accepted: Int, duplicates: Int)
        /// Makes a gap a leaf; when it returns, that is durable.
        package var recordGap: @Sendable (PullGap) async throws -> Void
        /// Told of a failure whose reason is not that of the failure before.
        package var failed: @Sendable (PullError) -> Void
        /// Told when a pull that was behind has brought all there was.
        package var caughtUp: @Sendable () -> Void
        package var seconds: @Sendable () -> Int
        package var sleep: @Sendable (Duration) async throws -> Void
        package var fraction: @Sendable () -> Double

        package init(
            loadCursor: @escaping @Sendable () async throws -> PullCursor?,
            saveCursor: @escaping @Sendable (PullCursor) async throws -> Void,
            submit: @escaping @Sendable (Delivery, String?) async throws -> (accepted: Int, duplicates: Int),
            recordGap: @escaping @Sendable (PullGap) async throws -> Void,
            failed: @escaping @Sendable (PullError) -> Void = { _ in },
            caughtUp: @escaping @Sendable () -> Void = {}, seconds: @escaping @Sendable () -> Int,
            sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
            fraction: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) }
        ) {
            self.loadCursor = loadCursor
            self.saveCursor = saveCursor
            self.submit = submit
            self.recordGap = recordGap
            self.failed = failed
            self.caughtUp = caughtUp
            self.seconds = seconds
            self.sleep = sleep
            self.fraction = fraction
        }
    }

    private let adapter: any PullAdapter
    private let surroundings: Surroundings
    private let counters: PullCounters
    private let intervalSeconds: Int64

    package init(
        _ adapter: any PullAdapter, every intervalSeconds: Int64, counters: PullCounters, surroundings: Surroundings
    ) {
        self.adapter = adapter
        self.intervalSeconds = intervalSeconds
        self.counters = counters
        self.surroundings = surroundings
    }

    /// Pulls until the task is cancelled. A failure of whatever kind is counted and tried again, more and more slowly.
    package func run() async {
        var schedule = PullSchedule(intervalSeconds: intervalSeconds)
        var isBehind = false
        while !Task.isCancelled {
            let wait: Duration
            do {
                let hasMore = try await step()
                if isBehind, !hasMore { surroundings.caughtUp() }
                isBehind = hasMore
                wait = schedule.succeeded(hasMore: hasMore)
                _ = counters.noteFailure(nil)
            } catch {
                guard !Task.isCancelled else { return }
                let failure = error as? PullError ?? PullError(.unavailable, "\(error)")
                counters.failures.add(1, ordering: .relaxed)
                if counters.noteFailure(failure.reason) { surroundings.failed(failure) }
                wait = schedule.failed(failure, fraction: surroundings.fraction())
            }
            if wait == .zero {
                // A place that always has more must not starve the others.
                await Task.yield()
            } else {
                try? await surroundings.sleep(wait)
            }
        }
    }

    /// One page: fetch, put gaps on record, commit, and only then move the cursor.
    ///
    /// - Returns: Whether more is known to be there.
    package func step() async throws -> Bool {
        let cursor = try await surroundings.loadCursor()
        let page = try await adapter.page(after: cursor)
        for gap in page.gaps {
            try await surroundings.recordGap(gap)
            counters.gaps.add(1, ordering: .relaxed)
        }
        if let delivery = page.delivery, !delivery.body.isEmpty {
            let (accepted, duplicates) = try await surroundings.submit(delivery, page.deliveryID)
            counters.events.add(accepted, ordering: .relaxed)
            counters.duplicates.add(duplicates, ordering: .relaxed)
        }
        if let next = page.cursor, next != cursor {
            guard next.text.utf8.count <= PullCursor.maximumBytes else {
                throw PullError(.malformed, "the cursor is longer than \(PullCursor.maximumBytes) bytes")
            }
            try await surroundings.saveCursor(next)
        }
        counters.pages.add(1, ordering: .relaxed)
        counters.lastPage.store(surroundings.seconds(), ordering: .relaxed)
        return page.hasMore
    }
}
