import Detection
import EventModel
import Foundation
import GRDB

/// What a rule would have raised over stored events: the engine and the alert store of the live path, on a database in
/// memory, so that no difference between them can creep in. The store's indexes leave out what the rule cannot match.
struct Backtest {
    /// Alerts listed in a report; more are counted.
    static let maximumListed = 1_000
    /// Leaves listed on each side of a comparison; more are counted.
    static let maximumLeaves = 100
    /// Leaves compared at most.
    static let maximumCompared = 1_000_000
    /// Events between two looks at the clock, and between two recordings.
    private static let batch = 4_096

    struct Comparison: Sendable {
        /// Evidence that both have, and that only one has.
        var both = 0
        var onlyBacktest: [UInt64] = []
        var onlyBacktestCount = 0
        var onlyLive: [UInt64] = []
        var onlyLiveCount = 0
    }

    struct Report: Sendable {
        var events = 0
        /// Those of them that the indexes did not rule out: they were read, and put before the engine.
        var evaluated = 0
        var matches = 0
        /// False when the time was over before the events were.
        var isComplete = true
        var lastIndex: LeafIndex?
        var alerts: [Alert] = []
        var alertCount = 0
        var signalCount = 0
        /// What the live rule of the same key had raised over the same events.
        var liveAlertCount = 0
        var comparison = Comparison()
        var nanoseconds: Int64 = 0
    }

    let scan: StoredEventScan
    /// See ``rules(_:inForce:)``.
    let rules: RuleSet
    /// The rules that the report is about; others are there because these refer to them.
    let keys: Set<String>
    let live: AlertStore
    let now: @Sendable () -> Timestamp

    /// The rules that a backtest of some of them needs: for a baseline, those in force too, since what raises is not
    /// learned.
    static func rules(_ chosen: RuleSet, inForce: RuleSet) -> RuleSet {
        guard chosen.rules.contains(where: { $0.extensions.baseline != nil }) else { return chosen }
        let keys = Set(chosen.rules.map(\.key))
        return chosen.adding(inForce.filter { !keys.contains($0.key) })
    }

    /// Blocks until it is done, its time is over or `isCancelled` says so.
    func run(
        receivedIn interval: Range<Timestamp>, limit: Duration, isCancelled: () -> Bool
    ) throws -> Report {
        let start = ContinuousClock.now
        let database = try DatabaseQueue()
        var migrator = DatabaseMigrator()
        AlertSchema.registerMigrations(in: &migrator)
        try migrator.migrate(database)
        let alerts = AlertStore(database, now: now)
        var judge = EventJudge(DetectionEngine(rules))
        var report = Report()
        var first: LeafIndex?
        var sinceRecorded = 0
        func record(through next: LeafIndex) throws {
            let matches = judge.takeMatches().filter { keys.contains($0.rule.key) }
            report.matches += matches.count
            if !matches.isEmpty { try alerts.record(matches, through: next) }
        }
        let candidates = RuleCandidates(rules, keys: keys)
        let hasState = judge.hasState
        try scan.forEach(receivedIn: interval, candidates.filter, seconds: hasState) { step in
            let index: LeafIndex
            switch step {
            case .event(let leaf, let view):
                judge.judge(view, leaf)
                index = leaf
                report.events += 1
                report.evaluated += 1
                sinceRecorded += 1
            case .passed(let count, let last, let received):
                if hasState { judge.advance(to: received, next: last) }
                index = last
                report.events += count
                sinceRecorded += hasState ? 1 : Self.batch
            }
            first = first ?? index
            report.lastIndex = index
            guard sinceRecorded >= Self.batch else { return true }
            sinceRecorded = 0
            try record(through: LeafIndex(index.rawValue + 1))
            report.isComplete = ContinuousClock.now - start < limit && !isCancelled()
            return report.isComplete
        }
        if report.isComplete, hasState {
            // As the live path does when no event comes: what was to follow and did not is found in the end.
            let reached = min(interval.upperBound, now().advanced(byNanoseconds: -DetectionView.quietSlack))
            judge.advance(to: reached, next: LeafIndex((report.lastIndex?.rawValue ?? 0) + 1))
        }
        if let first, let last = report.lastIndex {
            try record(through: LeafIndex(last.rawValue + 1))
            try summarise(alerts, first...last, &report)
        }
        let took = ContinuousClock.now - start
        report.nanoseconds = took.components.seconds * 1_000_000_000 + took.components.attoseconds / 1_000_000_000
        return report
    }

    private func summarise(_ alerts: AlertStore, _ leaves: ClosedRange<LeafIndex>, _ report: inout Report) throws {
        var filter = AlertFilter()
        filter.kind = nil
        report.alerts = try alerts.list(filter, limit: Self.maximumListed).alerts.reversed()
        (report.alertCount, report.signalCount) = try alerts.counts(ofRules: keys, evidenceIn: leaves)
        report.liveAlertCount = try live.counts(ofRules: keys, evidenceIn: leaves).alerts
        var comparison = Comparison()
        let tried = try alerts.evidence(ofRules: keys, in: leaves, limit: Self.maximumCompared)
        let raised = try live.evidence(ofRules: keys, in: leaves, limit: Self.maximumCompared)
        comparison.both = tried.intersection(raised).count
        let (fresh, missed) = (tried.subtracting(raised).sorted(), raised.subtracting(tried).sorted())
        (comparison.onlyBacktestCount, comparison.onlyLiveCount) = (fresh.count, missed.count)
        comparison.onlyBacktest = fresh.prefix(Self.maximumLeaves).map(\.rawValue)
        comparison.onlyLive = missed.prefix(Self.maximumLeaves).map(\.rawValue)
        report.comparison = comparison
    }
}
