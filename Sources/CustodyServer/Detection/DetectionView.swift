import Detection
import EventModel
import Intake
import Logging
import Synchronization

/// Detection as a view: evaluates the rules on every event in order and records what they find.
final class DetectionView: View {
    /// How often the position is made durable when nothing matches. Only what lies behind it is evaluated again after a crash.
    static let saveInterval = Duration.seconds(1)

    let name = "detection"
    private(set) var cursor: LeafIndex
    private(set) var durableCursor: LeafIndex

    private let engine: DetectionEngine
    private let alerts: AlertStore
    private let onTransition: @Sendable (AlertTransition) -> Void
    private let counters: DetectionCounters
    private let parser = JSONParser()
    private var matches: [RuleMatch] = []
    private var lastSaved = ContinuousClock.now

    init(
        engine: DetectionEngine, alerts: AlertStore, counters: DetectionCounters,
        onTransition: @escaping @Sendable (AlertTransition) -> Void
    ) throws {
        self.engine = engine
        self.alerts = alerts
        self.counters = counters
        self.onTransition = onTransition
        cursor = try alerts.cursor()
        durableCursor = cursor
    }

    func process(_ batch: CommittedBatch) throws {
        matches.removeAll(keepingCapacity: true)
        try batch.forEach(from: cursor) { index, view, _ in
            counters.evaluated.add(1, ordering: .relaxed)
            evaluate(view, index)
        }
        cursor = batch.endIndex
        if !matches.isEmpty { try save() }
    }

    func tick() throws {
        guard cursor > durableCursor, ContinuousClock.now - lastSaved >= Self.saveInterval else { return }
        try save()
    }

    func finish() throws { try save() }

    private func evaluate(_ view: SealedView, _ index: LeafIndex) {
        guard let payload = view.payload, payload.first == UInt8(ascii: "{"),
            (try? parser.withDocument(payload) { root in
                engine.evaluate(view, payload: root, index: index, into: &matches)
            }) != nil
        else { return engine.evaluate(view, payload: nil, index: index, into: &matches) }
    }

    /// Makes alerts and position durable together, then tells of what changed.
    private func save() throws {
        let transitions = try alerts.record(matches, through: cursor)
        counters.matched.add(matches.count, ordering: .relaxed)
        matches.removeAll(keepingCapacity: true)
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
