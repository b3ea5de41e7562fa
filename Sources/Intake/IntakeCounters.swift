package import Synchronization

/// What intake has done since the start; the server shows these as metrics.
package final class IntakeCounters: Sendable {
    package let accepted = Atomic<Int>(0)
    package let duplicates = Atomic<Int>(0)
    package let conflicts = Atomic<Int>(0)
    package let rejected = Atomic<Int>(0)
    package let redactions = Atomic<Int>(0)
    package let groups = Atomic<Int>(0)
    package let failedGroups = Atomic<Int>(0)

    func committed(_ plan: GroupPlan) {
        accepted.add(plan.acceptedCount, ordering: .relaxed)
        duplicates.add(plan.duplicateCount, ordering: .relaxed)
        conflicts.add(plan.conflicts.count, ordering: .relaxed)
        groups.add(1, ordering: .relaxed)
    }
}
