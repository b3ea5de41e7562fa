import EventModel

extension BaselineDefinition {
    /// Judges an event by its subject, and lets the subject learn from it.
    ///
    /// - Parameter member: The hash of the value in question.
    /// - Returns: Why it is unusual, or nil; and how many values had to make room.
    func judge(
        _ subject: inout Subject, member: UInt64, _ event: BaselineEvent
    ) -> (verdict: BaselineVerdict?, evicted: Int) {
        let isLate = event.time < subject.last
        defer { subject.last = max(subject.last, event.time) }
        switch kind {
        case .firstSeen(let forget):
            let result = judgeMember(&subject, member, event, isLate: isLate) { known, subject in
                if let known, event.time.distance(since: known.last) <= forget { return nil }
                return "\(names) not seen before\(perNames), after \(subject.total) events that are usual"
            }
            return result
        case .rare(let atMost):
            return judgeMember(&subject, member, event, isLate: isLate) { known, subject in
                let count = known?.count ?? 0
                return count <= atMost ? "\(names) seen \(count) times in \(subject.total) events\(perNames)" : nil
            }
        case .burst(let window, let moreThan, let deviations):
            return (judgeBurst(&subject, event, window, moreThan, deviations, isLate: isLate), 0)
        case .distinctBurst(let window, let moreThan):
            return (judgeDistinct(&subject, member, event, window, moreThan, isLate: isLate), 0)
        case .dormant(let after):
            defer { subject.total &+= 1 }
            let quiet = event.time.distance(since: subject.last)
            guard subject.total > 0, quiet >= after else { return (nil, 0) }
            let days = quiet / 86_400_000_000_000
            return (BaselineVerdict(reason: "first event\(perNames) after \(days) days without any"), 0)
        }
    }

    private var names: String { (of.isEmpty ? per : of).map(\.name).joined(separator: ", ") }

    /// Empty where values are their own subjects.
    private var perNames: String {
        let isOwnSubject =
            switch kind {
            case .firstSeen, .rare: of.isEmpty
            default: false
            }
        return per.isEmpty || isOwnSubject ? "" : " for this " + per.map(\.name).joined(separator: ", ")
    }

    /// First-seen and rare: values that the subject has had are kept, those that raised among them with a mark.
    private func judgeMember(
        _ subject: inout Subject, _ member: UInt64, _ event: BaselineEvent, isLate: Bool,
        _ reason: (SubjectMember?, Subject) -> String?
    ) -> (verdict: BaselineVerdict?, evicted: Int) {
        let place = subject.member(member)
        let known = place.map { subject.members[$0] }
        var verdict: BaselineVerdict?
        if subject.total >= settled, let text = reason(known.flatMap { $0.raised == 0 ? $0 : nil }, subject) {
            verdict = BaselineVerdict(reason: text, isLate: isLate)
        }
        if verdict != nil, !event.isLearning {
            // Not learned. It is noted that it raised, so that it does not do so for every event from now on.
            let raised = known?.raised ?? 0
            let age = event.time.distance(since: raised)
            let isNew = raised == 0 || age >= repeating
            let evicted = set(&subject, place, member, event, raised: isNew ? max(event.time, 1) : raised)
            return (isNew || age < BaselineLimits.evidenceSpan ? verdict : nil, evicted)
        }
        guard !event.isPoisoned else { return (verdict, 0) }
        subject.total = subject.total &+ 1
        return (verdict, set(&subject, place, member, event, raised: 0))
    }

    private func set(
        _ subject: inout Subject, _ place: Int?, _ member: UInt64, _ event: BaselineEvent, raised: Int64
    ) -> Int {
        if let place {
            subject.members[place].last = max(subject.members[place].last, event.time)
            subject.members[place].leaf = event.index.rawValue
            subject.members[place].raised = raised
            if raised == 0 { subject.members[place].count &+= 1 }
            return 0
        }
        let evicted = subject.makeRoom(keeping: keep)
        subject.members.append(
            SubjectMember(
                hash: member, last: event.time, leaf: event.index.rawValue, raised: raised, count: raised == 0 ? 1 : 0))
        return evicted ? 1 : 0
    }

    /// Counts by windows. An event that comes late counts in the window that is open.
    private func judgeBurst(
        _ subject: inout Subject, _ event: BaselineEvent, _ window: Int64, _ moreThan: Int, _ deviations: Double,
        isLate: Bool
    ) -> BaselineVerdict? {
        let number = event.time >= 0 ? event.time / window : (event.time - window + 1) / window
        if subject.current == 0, subject.total == 0 {
            subject.window = number
        } else if number > subject.window {
            close(&subject, upTo: number)
        }
        subject.current &+= 1
        if event.isPoisoned { subject.isTainted = true }
        let usual = subject.mean + deviations * subject.variance.squareRoot()
        // Where too little is known, only the number counts.
        let threshold = max(Double(moreThan), subject.total >= settled ? usual : 0)
        guard Double(subject.current) > threshold else { return nil }
        if !event.isLearning { subject.isTainted = true }
        let excess = Int(subject.current) - Int(threshold)
        guard excess <= BaselineLimits.evidenceOfBurst else { return nil }
        let mean = (subject.mean * 10).rounded() / 10
        return BaselineVerdict(
            reason: "\(subject.current) events in one window\(perNames), where \(mean) are usual", isLate: isLate)
    }

    /// Lets the subject learn from its window and the empty ones after it.
    private func close(_ subject: inout Subject, upTo number: Int64) {
        func learn(_ count: Double) {
            let difference = count - subject.mean
            let step = BaselineLimits.smoothing * difference
            subject.mean += step
            subject.variance = (1 - BaselineLimits.smoothing) * (subject.variance + difference * step)
            subject.total &+= 1
        }
        if !subject.isTainted { learn(Double(subject.current)) }
        // After so many empty windows nothing of what was before is left.
        for _ in 0..<min(number - subject.window - 1, 200) { learn(0) }
        subject.window = number
        subject.current = 0
        subject.isTainted = false
    }

    /// Keeps the newest `moreThan` + 1 distinct values: as many as it takes to know that there are more than `moreThan`.
    private func judgeDistinct(
        _ subject: inout Subject, _ member: UInt64, _ event: BaselineEvent, _ window: Int64, _ moreThan: Int,
        isLate: Bool
    ) -> BaselineVerdict? {
        let place = subject.member(member)
        if let place {
            subject.members[place].last = max(subject.members[place].last, event.time)
            subject.members[place].leaf = event.index.rawValue
        } else {
            _ = subject.makeRoom(keeping: moreThan + 1)
            subject.members.append(
                SubjectMember(hash: member, last: event.time, leaf: event.index.rawValue, raised: 0, count: 1))
        }
        subject.total &+= 1
        let newest = max(subject.last, event.time)
        let inside = subject.members.filter { newest.distance(since: $0.last) <= window }
        if inside.count <= moreThan {
            subject.current = 0
            return nil
        }
        // What the first finding has named need not be named again.
        let isFirst = subject.current == 0
        subject.current = 1
        guard isFirst || place == nil else { return nil }
        return BaselineVerdict(
            reason: "more than \(moreThan) distinct \(names)\(perNames) within the window",
            evidence: isFirst ? inside.map { LeafIndex($0.leaf) } : [], isLate: isLate)
    }
}

extension Int64 {
    /// Nanoseconds since an earlier time; the largest number when that is further away than numbers reach.
    func distance(since earlier: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(earlier)
        return overflow ? (self > earlier ? .max : .min) : difference
    }
}
