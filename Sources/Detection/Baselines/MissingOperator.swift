import EventModel
import EventStore

/// Waits for what has to follow: "A is not followed by B within t", decided when event time has passed t and the grace for late
/// deliveries.
///
/// It holds at most ``StateLimits/operatorBytes``; above that the oldest expectation is given up and counted, and so are the
/// oldest followers that came before.
final class MissingOperator: StatefulOperator {
    private static let version: UInt8 = 1

    /// One thing that waits for its follower.
    private struct Expectation {
        /// Of the event that waits.
        var time: Int64
        var leaf: UInt64
        /// When it is decided.
        var deadline: Int64
        /// When the queue looks at it; not later than the deadline.
        var alarm: Int64
        var isLearning: Bool
        var entity: String
        var values: [String]

        var byteCount: Int { 224 + entity.utf8.count + values.reduce(0) { $0 + $1.utf8.count + 16 } }
    }

    /// Something that followed, for what comes after it and may have it before.
    private struct Follower {
        var time: Int64
        /// The time of receipt that was reached then: what a backfill brings is not forgotten for its age.
        var noted: Int64
    }

    private static let followerBytes = 128

    let definition: MissingDefinition
    private let byteLimit: Int
    private var waiting = UseOrderedTable<Expectation>()
    private var followers = UseOrderedTable<Follower>()
    private var alarms = DeadlineQueue()
    private var cache = DigestCache()
    /// The subject at hand; kept for its memory.
    private var subject = ValueSpans()
    private var start: Int64?
    /// The time of receipt that was reached. No part of the state: it is told before each observation.
    private var now = Int64.min
    private(set) var stateBytes = 0
    private(set) var evictions = 0
    private var saturation = Saturation()
    var isSaturated: Bool { saturation.isSaturated }

    init(_ definition: MissingDefinition, limits: StateLimits) {
        self.definition = definition
        byteLimit = limits.operatorBytes
    }

    var entryCount: Int { waiting.count + followers.count }

    func observe(_ observation: StateObservation, into findings: inout [OperatorFinding]) {
        let isItself = definition.follower == .itself
        // What follows is looked at first: one event may be both the end of one wait and the beginning of another.
        if !isItself, observation.inputs.contains(1), let key = key(observation, input: 1) {
            follow(key, at: observation.time.nanoseconds)
        }
        guard observation.inputs.contains(0), let key = key(observation, input: 0) else { return makeRoom() }
        let time = observation.time.nanoseconds
        let begin = start ?? time
        start = begin
        if isItself {
            // The wait begins anew with every event.
            let isKnown =
                waiting.use(key) { (expectation: inout Expectation) -> Void in
                    if time > expectation.time {
                        expectation.time = time
                        expectation.leaf = observation.index.rawValue
                        // Who it is about is who did it last: nothing is kept of an event that is evidence no more.
                        self.stateBytes += observation.entity.utf8.count - expectation.entity.utf8.count
                        expectation.entity = observation.entity
                        expectation.deadline = self.deadline(after: time)
                        expectation.isLearning = time.distance(since: begin) < self.definition.learn
                    }
                } != nil
            if isKnown { return }
        } else {
            guard waiting.peek(key) == nil else { return }
            if let follower = followers.peek(key), follower.time >= time.advanced(saturating: -definition.before) {
                return
            }
        }
        let deadline = self.deadline(after: time)
        let values = definition.per.indices.map { observation.firstText(of: $0, input: 0) ?? "" }
        let expectation = Expectation(
            time: time, leaf: observation.index.rawValue, deadline: deadline, alarm: deadline,
            isLearning: time.distance(since: begin) < definition.learn, entity: observation.entity, values: values)
        waiting.insert(key, expectation)
        stateBytes += expectation.byteCount
        alarms.insert(DeadlineQueue.Deadline(time: deadline, key: key))
        makeRoom()
    }

    private func key(_ observation: StateObservation, input: Int) -> ValueDigest? {
        subject.removeAll()
        for field in definition.per.indices {
            let known = subject.count
            observation.forEachValue(of: field, input: input) { if subject.count == known { subject.append($0) } }
            guard subject.count > known else { return nil }
        }
        return cache.digest(subject, 0..<subject.count)
    }

    private func deadline(after time: Int64) -> Int64 {
        // Events of long ago, as a backfill brings them, have their followers behind them: those are waited for, too.
        max(time.advanced(saturating: definition.within), now).advanced(saturating: definition.grace)
    }

    private func follow(_ key: ValueDigest, at time: Int64) {
        if let expectation = waiting.peek(key), time >= expectation.time.advanced(saturating: -definition.before),
            time <= expectation.time.advanced(saturating: definition.within)
        {
            waiting.remove(key)
            stateBytes -= expectation.byteCount
        }
        let isKnown =
            followers.use(key) { (last: inout Follower) -> Void in
                last.time = max(last.time, time)
                last.noted = max(last.noted, now)
            } != nil
        if !isKnown {
            followers.insert(key, Follower(time: time, noted: max(now, time)))
            stateBytes += Self.followerBytes
        }
    }

    func advance(to time: Timestamp, next: LeafIndex, into findings: inout [OperatorFinding]) {
        now = time.nanoseconds
        var due: [Expectation] = []
        while let alarm = alarms.first, alarm.time < now {
            _ = alarms.removeFirst()
            // Another wait of the same key may have taken the place of the one that this alarm was set for.
            guard let expectation = waiting.peek(alarm.key), expectation.alarm == alarm.time else { continue }
            if expectation.deadline > alarm.time {
                _ = waiting.use(alarm.key) { (waiting: inout Expectation) -> Void in waiting.alarm = waiting.deadline }
                alarms.insert(DeadlineQueue.Deadline(time: expectation.deadline, key: alarm.key))
                continue
            }
            waiting.remove(alarm.key)
            stateBytes -= expectation.byteCount
            due.append(expectation)
        }
        forgetFollowers(now)
        for expectation in due.sorted(by: { ($0.deadline, $0.leaf) < ($1.deadline, $1.leaf) }) {
            findings.append(finding(expectation, next: next))
        }
    }

    private func finding(_ expectation: Expectation, next: LeafIndex) -> OperatorFinding {
        let group = zip(definition.per, expectation.values).filter {
            definition.group.isEmpty || definition.group.contains($0.0)
        }.map { (name: $0, value: $1) }
        let seconds = definition.within / 1_000_000_000
        return OperatorFinding(
            index: next, time: Timestamp(nanoseconds: expectation.time), group: group,
            evidence: [LeafIndex(expectation.leaf)],
            explanation: ["nothing that has to follow came within \(seconds) s"],
            entity: expectation.entity.isEmpty ? nil : expectation.entity, isLearning: expectation.isLearning)
    }

    func forgetValues(of leaves: LeafRanges) {
        cache = DigestCache()
        subject = ValueSpans()
        waiting.update { expectation in
            guard leaves.contains(expectation.leaf) else { return }
            stateBytes -= expectation.byteCount
            expectation.entity = expectation.entity.isEmpty ? "" : DestroyedValue.text
            expectation.values = expectation.values.map { _ in DestroyedValue.text }
            stateBytes += expectation.byteCount
        }
    }

    /// Followers are of no use any more when nothing that waits could have begun so long after them.
    private func forgetFollowers(_ now: Int64) {
        let horizon = now.advanced(saturating: -definition.before).advanced(saturating: -definition.grace)
            .advanced(saturating: -definition.within)
        while let oldest = followers.oldestValue, max(oldest.noted, oldest.time) < horizon {
            _ = followers.removeOldest()
            stateBytes -= Self.followerBytes
        }
    }

    private func makeRoom() {
        defer { saturation.holds(stateBytes, of: byteLimit) }
        while stateBytes > byteLimit {
            if followers.count > waiting.count, followers.removeOldest() != nil {
                stateBytes -= Self.followerBytes
            } else if let gone = waiting.removeOldest() {
                stateBytes -= gone.byteCount
            } else {
                return
            }
            evictions += 1
            saturation.gaveUp()
        }
    }

    // MARK: Snapshots

    func snapshot(to encoder: inout StateEncoder) {
        encoder.write(Self.version)
        encoder.write(start != nil)
        encoder.write(start ?? 0)
        encoder.write(count: evictions)
        encoder.write(count: waiting.count)
        waiting.forEach { key, expectation in
            key.write(to: &encoder)
            encoder.write(expectation.time)
            encoder.write(expectation.leaf)
            encoder.write(expectation.deadline)
            encoder.write(expectation.alarm)
            encoder.write(expectation.isLearning)
            encoder.write(expectation.entity)
            encoder.write(count: expectation.values.count)
            for value in expectation.values { encoder.write(value) }
        }
        encoder.write(count: followers.count)
        followers.forEach { key, follower in
            key.write(to: &encoder)
            encoder.write(follower.time)
            encoder.write(follower.noted)
        }
    }

    func restore(from decoder: inout StateDecoder) throws {
        guard try decoder.readByte() == Self.version else {
            throw StateDecoder.malformed("the state of a baseline has another version")
        }
        let hasStart = try decoder.readBool()
        let time = try decoder.readInt64()
        start = hasStart ? time : nil
        evictions = Int(clamping: try decoder.readUInt64())
        for _ in 0..<(try decoder.readCount(bytesEach: 44)) {
            let key = try ValueDigest(from: &decoder)
            var expectation = Expectation(
                time: try decoder.readInt64(), leaf: try decoder.readUInt64(), deadline: try decoder.readInt64(),
                alarm: try decoder.readInt64(), isLearning: try decoder.readBool(), entity: try decoder.readString(),
                values: [])
            for _ in 0..<(try decoder.readCount()) { expectation.values.append(try decoder.readString()) }
            guard waiting.peek(key) == nil else { throw StateDecoder.malformed("a subject stands twice in the state") }
            waiting.insert(key, expectation)
            stateBytes += expectation.byteCount
            alarms.insert(DeadlineQueue.Deadline(time: expectation.alarm, key: key))
        }
        for _ in 0..<(try decoder.readCount(bytesEach: 32)) {
            let key = try ValueDigest(from: &decoder)
            let follower = Follower(time: try decoder.readInt64(), noted: try decoder.readInt64())
            guard followers.peek(key) == nil else {
                throw StateDecoder.malformed("a subject stands twice in the state")
            }
            followers.insert(key, follower)
            stateBytes += Self.followerBytes
        }
    }
}

extension Int64 {
    /// The sum, or the largest or smallest number when there is none.
    func advanced(saturating delta: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(delta)
        return overflow ? (delta < 0 ? .min : .max) : sum
    }
}
