import EventModel
import Intake

/// Completeness as a view: follows every source through the ledger's order and finds what is missing.
///
/// Position, figures and findings are kept in one transaction, so that after a crash events are followed again from there and each
/// finding is made once; ``FindingWork`` then tells it.
final class CompletenessView: View {
    /// How often silence and holes are looked at, and figures shown to others.
    static let lookInterval = Duration.milliseconds(250)
    /// How often figures are kept. What lies behind is followed again after a crash.
    static let saveInterval = Duration.seconds(10)
    /// How often an idle server notes that it is up.
    static let aliveInterval = Duration.seconds(60)
    /// How long an event may take from its receipt to this view.
    static let slack: Int64 = 30_000_000_000
    /// Longer than this between two notes of being up, and the server was not.
    static let longestAbsence: Int64 = 120_000_000_000

    let name = "completeness"
    private(set) var cursor: LeafIndex
    private(set) var durableCursor: LeafIndex

    private var tracker: CompletenessTracker
    private let completeness: SourceCompleteness
    private let isEnabled: (String) -> Bool
    private let committed: () -> LeafIndex
    private let now: () -> Timestamp
    /// When the server was last known to be up, until the first look of this run.
    private var aliveBefore: Timestamp?
    private var changed: [String: SourceTally] = [:]
    private var lastLook = ContinuousClock.now
    private var lastSaved = ContinuousClock.now

    /// - Parameters:
    ///   - held: What the journal still has.
    ///   - isEnabled: Whether a source is there and may send.
    ///   - committed: The leaf behind the last that was committed.
    init(
        _ completeness: SourceCompleteness, held: Range<UInt64>, ownSource: String,
        isEnabled: @escaping @Sendable (String) -> Bool, committed: @escaping @Sendable () -> LeafIndex,
        now: @escaping @Sendable () -> Timestamp
    ) throws {
        self.completeness = completeness
        self.isEnabled = isEnabled
        self.committed = committed
        self.now = now
        let position = try completeness.position()
        aliveBefore = position?.alive
        let next = position?.next.rawValue ?? held.lowerBound
        cursor = LeafIndex(min(max(next, held.lowerBound), held.upperBound))
        durableCursor = cursor
        tracker = CompletenessTracker(figures: completeness.allFigures, ownSource: ownSource)
        if cursor.rawValue != next { tracker.forgetSequences() }
        expect()
    }

    func process(_ batch: CommittedBatch) throws {
        try batch.forEach(from: cursor) { _, view, _ in tracker.note(view) }
        cursor = batch.endIndex
    }

    func tick() throws {
        guard ContinuousClock.now - lastLook >= Self.lookInterval else { return }
        lastLook = .now
        expect()
        // What waits may be the very thing whose absence would be found. The clock is read first.
        let moment = now()
        if cursor >= committed() { look(at: moment.advanced(byNanoseconds: -Self.slack), moment) }
        tracker.advance(to: tracker.time)
        publish()
        let waited = ContinuousClock.now - lastSaved
        let isDue = cursor > durableCursor && waited >= Self.saveInterval || waited >= Self.aliveInterval
        if tracker.hasFindings || isDue { try save() }
    }

    func finish() throws {
        publish()
        try save()
    }

    private func look(at time: Timestamp, _ moment: Timestamp) {
        if let before = aliveBefore, moment.rawValue &- before.rawValue > Self.longestAbsence {
            tracker.wasDown(from: before, to: moment)
        }
        aliveBefore = nil
        tracker.advance(to: time)
    }

    private func expect() {
        let all = completeness.expected
        tracker.expect(all.filter { isEnabled($0.key) })
    }

    private func publish() {
        let news = tracker.takeChanged()
        completeness.publish(news)
        for (name, figures) in news { changed[name] = figures }
    }

    private func save() throws {
        try completeness.save(
            next: cursor, now: now(), changed: changed.map { ($0.key, $0.value) }, findings: tracker.takeFindings())
        changed = [:]
        durableCursor = cursor
        lastSaved = .now
    }
}
