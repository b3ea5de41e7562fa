import EventModel
import EventStore

/// Judges events by what their subjects did before: first-seen, rare, burst, distinct burst and dormant.
///
/// It holds at most ``StateLimits/operatorBytes``, reckoned as ``Subject/byteCount`` for each subject, and gives up the subjects
/// that were seen the longest ago; a subject gives up values above `keep`. Both are counted. What another rule of severity
/// medium or higher raised for the same event, and what the baseline itself raised, does not become usual.
final class BaselineOperator: StatefulOperator {
    private static let version: UInt8 = 1
    /// From this severity on, what other rules raise is not learned.
    private static let poisonous = Severity.medium

    let definition: BaselineDefinition
    private let byteLimit: Int
    private let fields: [BaselineField]
    private var subjects = UseOrderedTable<Subject>()
    private var cache = DigestCache()
    /// Those of the event at hand; kept for their memory.
    private var tuples = BaselineTuples()
    /// Event time of the first event; nil before it.
    private var start: Int64?
    /// Events so far, for baselines without subjects.
    private var events: UInt64 = 0
    private(set) var stateBytes = 0
    private(set) var evictions = 0
    private var saturation = Saturation()
    var isSaturated: Bool { saturation.isSaturated }

    init(_ definition: BaselineDefinition, limits: StateLimits) {
        self.definition = definition
        byteLimit = limits.operatorBytes
        fields = definition.per + definition.of
    }

    var entryCount: Int { subjects.count }

    func observe(_ observation: StateObservation, into findings: inout [OperatorFinding]) {
        tuples.load(observation, input: 0, fields: fields, per: definition.per.count)
        guard tuples.count > 0 else { return }
        let time = observation.time.nanoseconds
        let begin = start ?? time
        start = begin
        events &+= 1
        let event = BaselineEvent(
            time: time, index: observation.index, isLearning: time.distance(since: begin) < definition.learn,
            isPoisoned: observation.raised.map { $0 >= Self.poisonous } ?? false)
        for tuple in 0..<tuples.count {
            guard let verdict = judge(tuple, event) else { continue }
            findings.append(finding(verdict, tuple, observation, isLearning: event.isLearning))
        }
        makeRoom()
    }

    private func judge(_ tuple: Int, _ event: BaselineEvent) -> BaselineVerdict? {
        let key = tuples.subject(tuple, &cache)
        let member = tuples.member(tuple, &cache).high
        if let verdict = judge(key, member, event, isNew: false) { return verdict.verdict }
        subjects.insert(key, Subject(first: event.time))
        return judge(key, member, event, isNew: true)?.verdict
    }

    /// What is to be said about a subject's value (which may be nothing); nil for a subject that is not known.
    private func judge(
        _ key: ValueDigest, _ member: UInt64, _ event: BaselineEvent, isNew: Bool
    ) -> (verdict: BaselineVerdict?, evicted: Int)? {
        let result = subjects.use(key) { subject -> (verdict: BaselineVerdict?, evicted: Int) in
            let before = isNew ? 0 : subject.byteCount
            let result = definition.judge(&subject, member: member, event)
            stateBytes += subject.byteCount - before
            return result
        }
        evictions += result?.evicted ?? 0
        return result
    }

    private func finding(
        _ verdict: BaselineVerdict, _ tuple: Int, _ observation: StateObservation, isLearning: Bool
    ) -> OperatorFinding {
        let group = fields.enumerated().filter { definition.group.isEmpty || definition.group.contains($1.name) }
            .map { place, field in
                (
                    name: field.name,
                    value: tuples.text(of: place, tuple, observation, input: 0, field.transform)
                )
            }
        let evidence = Set(verdict.evidence + observation.evidence + [observation.index]).sorted()
        return OperatorFinding(
            index: observation.index, time: observation.time, group: group, evidence: evidence,
            explanation: [verdict.reason], entity: observation.entity.isEmpty ? nil : observation.entity,
            isLearning: isLearning, isLate: verdict.isLate)
    }

    /// Gives up subjects until the rest fits.
    private func makeRoom() {
        while stateBytes > byteLimit, subjects.count > 1, let gone = subjects.removeOldest() {
            stateBytes -= gone.byteCount
            evictions += 1
            saturation.gaveUp()
        }
        saturation.holds(stateBytes, of: byteLimit)
    }

    /// Subjects and members are digests; only the texts beside them, which save computing them again, are values.
    func forgetValues(of leaves: LeafRanges) {
        cache = DigestCache()
        tuples = BaselineTuples()
    }

    // MARK: Snapshots

    func snapshot(to encoder: inout StateEncoder) {
        encoder.write(Self.version)
        encoder.write(start != nil)
        encoder.write(start ?? 0)
        encoder.write(events)
        encoder.write(count: evictions)
        encoder.write(count: subjects.count)
        subjects.forEach { key, subject in
            key.write(to: &encoder)
            subject.write(to: &encoder)
        }
    }

    func restore(from decoder: inout StateDecoder) throws {
        guard try decoder.readByte() == Self.version else {
            throw StateDecoder.malformed("the state of a baseline has another version")
        }
        let hasStart = try decoder.readBool()
        let time = try decoder.readInt64()
        start = hasStart ? time : nil
        events = try decoder.readUInt64()
        evictions = Int(clamping: try decoder.readUInt64())
        for _ in 0..<(try decoder.readCount(bytesEach: 60)) {
            let key = try ValueDigest(from: &decoder)
            let subject = try Subject(from: &decoder)
            guard subjects.peek(key) == nil else { throw StateDecoder.malformed("a subject stands twice in the state") }
            subjects.insert(key, subject)
            stateBytes += subject.byteCount
        }
    }
}

/// What of an event a judgement needs.
struct BaselineEvent {
    let time: Int64
    let index: LeafIndex
    let isLearning: Bool
    /// Whether it must not become usual.
    let isPoisoned: Bool
}

/// That an event is unusual, and why.
struct BaselineVerdict {
    /// In words, without values of events.
    let reason: String
    /// Earlier events that speak for it.
    var evidence: [LeafIndex] = []
    var isLate = false
}
