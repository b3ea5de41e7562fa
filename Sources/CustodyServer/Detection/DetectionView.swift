import Detection
import EventModel
import Intake
import Synchronization

/// Detection as a view: evaluates the rules on every event in order and records what they find.
final class DetectionView: View {
    /// How often the position is made durable when nothing matches. Only what lies behind it is evaluated again after a crash.
    static let saveInterval = Duration.seconds(1)

    let name = "detection"
    private(set) var cursor: LeafIndex
    private(set) var durableCursor: LeafIndex

    private var judge: EventJudge
    private let alerts: AlertStore
    private let onTransition: @Sendable (AlertTransition) -> Void
    private let counters: DetectionCounters
    private var lastSaved = ContinuousClock.now

    init(
        engine: DetectionEngine, alerts: AlertStore, counters: DetectionCounters,
        onTransition: @escaping @Sendable (AlertTransition) -> Void
    ) throws {
        judge = EventJudge(engine)
        self.alerts = alerts
        self.counters = counters
        self.onTransition = onTransition
        cursor = try alerts.cursor()
        durableCursor = cursor
    }

    func process(_ batch: CommittedBatch) throws {
        try batch.forEach(from: cursor) { index, view, _ in judge.judge(view, index) }
        counters.evaluated.add(
            Int(batch.endIndex.rawValue - max(cursor, batch.firstIndex).rawValue), ordering: .relaxed)
        cursor = batch.endIndex
        if judge.hasMatches { try save() }
    }

    func tick() throws {
        guard cursor > durableCursor, ContinuousClock.now - lastSaved >= Self.saveInterval else { return }
        try save()
    }

    func finish() throws { try save() }

    /// Makes alerts and position durable together, then tells of what changed.
    private func save() throws {
        let matches = judge.takeMatches()
        let transitions = try alerts.record(matches, through: cursor)
        counters.matched.add(matches.count, ordering: .relaxed)
        durableCursor = cursor
        lastSaved = .now
        for transition in transitions { onTransition(transition) }
    }
}

/// What detection has done since the start.
final class DetectionCounters: Sendable {
    let evaluated = Atomic<Int>(0)
    let matched = Atomic<Int>(0)
}
