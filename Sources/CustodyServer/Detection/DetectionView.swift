import Detection
import EventModel
import Intake
import Synchronization

/// Detection as a view: evaluates the rules on every event in order and records what they find.
///
/// The state of operators is stored less often than the cursor moves. After a start the view goes back to the leaf of that
/// state and evaluates from there; what lies before the cursor was recorded then and is passed over.
final class DetectionView: View {
    /// How often the position is made durable when nothing matches. Only what lies behind it is evaluated again after a crash.
    static let saveInterval = Duration.seconds(1)
    /// How often the state of operators is made durable: megabytes, where the position is a number.
    static let checkpointInterval = Duration.seconds(30)
    /// Leaves after which it is made durable sooner: they are judged again after a crash, at some hundred thousand a second.
    static let checkpointLeaves: UInt64 = 262_144
    /// How long an event may take from its receipt to this view. Time moves on without events only behind that.
    static let quietSlack: Int64 = 30_000_000_000

    let name = "detection"
    private(set) var cursor: LeafIndex
    private(set) var durableCursor: LeafIndex

    private var judge: EventJudge
    private let alerts: AlertStore
    private let now: @Sendable () -> Timestamp
    private let onTransition: @Sendable (AlertTransition) -> Void
    private let counters: DetectionCounters
    private let committed: @Sendable () -> LeafIndex
    private let orders: DetectionOrders
    private let checkpointLeaves: UInt64
    private var lastSaved = ContinuousClock.now
    private var lastCheckpoint = ContinuousClock.now
    private var recordedCursor: LeafIndex

    /// Restores the state of operators; those whose rule has changed begin anew.
    ///
    /// - Parameters:
    ///   - committed: The leaf behind the last that was committed.
    ///   - checkpointLeaves: After how many leaves the state is made durable, however soon they came.
    init(
        engine: DetectionEngine, alerts: AlertStore, counters: DetectionCounters,
        orders: DetectionOrders = DetectionOrders(), checkpointLeaves: UInt64 = DetectionView.checkpointLeaves,
        committed: @escaping @Sendable () -> LeafIndex,
        now: @escaping @Sendable () -> Timestamp, onTransition: @escaping @Sendable (AlertTransition) -> Void
    ) throws {
        judge = EventJudge(engine)
        self.alerts = alerts
        self.counters = counters
        self.committed = committed
        self.orders = orders
        self.checkpointLeaves = checkpointLeaves
        self.now = now
        self.onTransition = onTransition
        recordedCursor = try alerts.cursor()
        cursor = try Self.firstLeaf(alerts)
        durableCursor = cursor
        if let checkpoint = try alerts.checkpoint() {
            counters.restarted.add(engine.restore(checkpoint).count, ordering: .relaxed)
        } else {
            // From here on there is a state to go back to.
            try alerts.save(engine.checkpoint(next: cursor))
        }
    }

    /// Where detection goes on after a start: the leaf of the stored state, which the journal has to hold.
    static func firstLeaf(_ alerts: AlertStore) throws -> LeafIndex {
        let cursor = try alerts.cursor()
        return min(cursor, try alerts.checkpoint()?.next ?? cursor)
    }

    func process(_ batch: CommittedBatch) throws {
        try batch.forEach(from: cursor) { index, view, item in
            judge.judge(view, index, isDocument: item.isDocument)
        }
        counters.evaluated.add(
            Int(batch.endIndex.rawValue - max(cursor, batch.firstIndex).rawValue), ordering: .relaxed)
        cursor = batch.endIndex
        if judge.hasMatches { try save() }
    }

    func tick() throws {
        // What waits to be judged was received before: after a start or in a flood that may be long ago, and may be the
        // very thing whose absence would be found. The clock is read first, so that nothing can come in between.
        let time = now().advanced(byNanoseconds: -Self.quietSlack)
        if cursor >= committed() { judge.advance(to: time, next: cursor) }
        try carryOutOrders()
        let isDue = cursor > recordedCursor && ContinuousClock.now - lastSaved >= Self.saveInterval
        guard judge.hasMatches || isDue || isCheckpointDue else { return }
        try save()
    }

    func finish() throws {
        orders.close()
        try save(isLast: true)
    }

    /// Forgets values, and replaces the stored state, which has them too.
    private func carryOutOrders() throws {
        // While catching up, the state is behind what is recorded and must not take its place.
        guard cursor >= recordedCursor else { return }
        let due = orders.take()
        guard !due.isEmpty else { return }
        for order in due { judge.forgetValues(of: order.leaves) }
        try save(isLast: true)
        for order in due { order.completion(.success(())) }
    }

    private var isCheckpointDue: Bool {
        // While catching up, no state is kept.
        guard cursor > durableCursor, cursor >= recordedCursor else { return false }
        return cursor.rawValue - durableCursor.rawValue >= checkpointLeaves
            || ContinuousClock.now - lastCheckpoint >= Self.checkpointInterval
    }

    /// Makes alerts, position and (when it is time) the state durable together, then tells of what changed.
    private func save(isLast: Bool = false) throws {
        let matches = judge.takeMatches()
        // While catching up, what is recorded is ahead of what is evaluated; the state is not due before that is over.
        // Without rules that have a memory it is nothing but the position.
        let isKept = cursor >= recordedCursor && (isLast || isCheckpointDue || !judge.hasState)
        let checkpoint = isKept ? judge.checkpoint(next: cursor) : nil
        let transitions = try alerts.record(matches, through: cursor, checkpoint: checkpoint)
        counters.matched.add(matches.count, ordering: .relaxed)
        recordedCursor = max(recordedCursor, cursor)
        if checkpoint != nil {
            durableCursor = cursor
            lastCheckpoint = .now
        }
        lastSaved = .now
        for transition in transitions { onTransition(transition) }
    }
}

/// What detection has done since the start.
final class DetectionCounters: Sendable {
    let evaluated = Atomic<Int>(0)
    let matched = Atomic<Int>(0)
    /// Operators that began anew at the start because their rule or their stored state had changed.
    let restarted = Atomic<Int>(0)
}
