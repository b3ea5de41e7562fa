package import EventModel
package import EventStore
import Foundation
package import Ledger

/// What the system leaves of a ledger add up to: approvers, policies, holds, destructions, redactions, seals.
///
/// A pure function of the leaves in their order, the same for the server, which asks it before it does anything, and for
/// whoever verifies afterwards. Whether a leaf has the authority that it claims depends only on the leaves before it.
package struct AuthorityHistory: Sendable {
    /// Milliseconds for which a shortened policy stands in the ledger before it takes effect, so that whoever watches the
    /// ledger can object.
    package static let noticePeriod: Int64 = 7 * 86_400_000
    package static let dayMilliseconds: Int64 = 86_400_000

    package struct Policy: Sendable {
        package let leaf: UInt64
        package let retentionClass: UInt16
        /// Nil: for ever.
        package let days: Int?
        package let received: Int64
        /// When it takes effect.
        package let effective: Int64
        /// How many approvers there were.
        package let approvers: Int
    }

    package struct Hold: Sendable {
        package let leaf: UInt64
        package let name: String
        package let query: String?
        package let leaves: LeafRanges
        package let received: Int64
        /// The leaf that ended it.
        package internal(set) var released: UInt64?
    }

    package struct Destruction: Sendable {
        package let leaf: UInt64
        package let retentionClass: UInt16
        package let leaves: LeafRanges
        /// Why it has no authority; nil when it has.
        package let objection: String?
        /// Only leaves that were received up to here, in milliseconds, were old enough.
        package let cutoff: Int64
        package let received: Int64
        /// What was under a hold then.
        package let held: LeafRanges
        package let approvers: Int
    }

    package struct Redaction: Sendable {
        package let leaf: UInt64
        package let leaves: LeafRanges
        package let groups: Set<FieldGroup>
        package let objection: String?
        package let approvers: Int
    }

    package struct Seal: Sendable, Equatable {
        package let leaf: UInt64
        package let rows: Int
        package let checksum: String
        package let digest: String
    }

    package enum Verdict: Sendable, Equatable {
        /// With the authority of so many approvers.
        case lawful(approvers: Int, leaf: UInt64)
        case unproven(String)
        case none
    }

    let ledger: VerifierKey
    /// Keys before it, also of logs that the ledger goes on for.
    let formerKeys: [VerifierKey]
    package internal(set) var approvers: [VerifierKey] = []
    package internal(set) var policies: [Policy] = []
    package internal(set) var holds: [Hold] = []
    package internal(set) var destructions: [Destruction] = []
    package internal(set) var redactions: [Redaction] = []
    package internal(set) var seals: [String: Seal] = [:]
    /// Leaves that claim an authority that they do not have, with the reason.
    package internal(set) var objections: [(leaf: UInt64, reason: String)] = []
    /// Records that were lost with leaves after a backup and were appended again: their leaves by those that they had.
    package internal(set) var restored: [UInt64: UInt64] = [:]
    /// What they claim the ledger to be at the size at which it was restored; whoever has the ledger compares.
    package internal(set) var restoredRoots: [(leaf: UInt64, size: UInt64, root: TreeHash)] = []
    var nonces: Set<String> = []
    /// While a lost record is applied: the leaf from which on those that it names are not meant.
    var lostFrom: UInt64?

    /// - Parameters:
    ///   - ledger: The ledger's own key: requests name its origin, and it is no approver's.
    ///   - formerly: Keys that it had before, those of logs that it goes on for after `custody key succeed` included: requests
    ///     that name these logs are as good.
    package init(ledger: VerifierKey, formerly: [VerifierKey] = []) {
        self.ledger = ledger
        formerKeys = formerly
    }

    /// The keys that an approver's must not be, since the server holds them.
    var ownKeys: [VerifierKey] { [ledger] + formerKeys }

    /// The signatures that a change needs: two, or one while there is only one approver.
    package var requiredSignatures: Int { min(2, max(1, approvers.count)) }

    /// Holds that are in force.
    package var activeHolds: [Hold] { holds.filter { $0.released == nil } }

    package var heldLeaves: LeafRanges { LeafRanges(ranges: activeHolds.flatMap(\.leaves.ranges)) }

    /// The policy in force for a class at a moment; nil when none ever was: then events are kept.
    package func policy(for retentionClass: UInt16, at moment: Int64) -> Policy? {
        policies.last { $0.retentionClass == retentionClass && $0.effective <= moment }
    }

    /// Whether a leaf's event was destroyed with authority.
    ///
    /// - Parameter times: What witnesses vouch for: age is measured by it where it is less than what leaves say.
    package func destruction(
        of index: UInt64, _ entry: LeafEntry, times: CosignedTimes = CosignedTimes()
    ) -> Verdict {
        var verdict = Verdict.none
        for destruction in destructions.reversed()
        where destruction.retentionClass == entry.retentionClass && destruction.leaves.contains(index) {
            if let objection = destruction.objection {
                verdict = .unproven("destruction \(destruction.leaf): \(objection)")
            } else if entry.kind != .event {
                verdict = .unproven("destruction \(destruction.leaf): leaf \(index) is a record")
            } else if destruction.held.contains(index) {
                verdict = .unproven("destruction \(destruction.leaf): leaf \(index) was under a hold")
            } else if entry.received > UInt64(clamping: destruction.cutoff) {
                verdict = .unproven("destruction \(destruction.leaf): leaf \(index) was not old enough")
            } else if !isOldEnough(index, entry, destruction, times) {
                verdict = .unproven(
                    "destruction \(destruction.leaf): by cosignatures leaf \(index) was not old enough")
            } else {
                return .lawful(approvers: destruction.approvers, leaf: destruction.leaf)
            }
        }
        return verdict
    }

    private func isOldEnough(
        _ index: UInt64, _ entry: LeafEntry, _ destruction: Destruction, _ times: CosignedTimes
    ) -> Bool {
        guard !times.isEmpty else { return true }
        let age = destruction.received - destruction.cutoff
        let born = max(Int64(clamping: entry.received), times.earliest(of: index) ?? .min)
        let destroyed = min(destruction.received, times.latest(of: destruction.leaf) ?? .max)
        return destroyed - born >= age
    }

    /// Whether groups of a leaf's event were destroyed with authority.
    package func redaction(of index: UInt64, _ groups: Set<FieldGroup>) -> Verdict {
        var left = groups
        var approvers = Int.max
        var leaf: UInt64 = 0
        var reason: String?
        for redaction in redactions where redaction.leaves.contains(index) {
            if let objection = redaction.objection {
                reason = "redaction \(redaction.leaf): \(objection)"
                continue
            }
            left.subtract(redaction.groups)
            approvers = min(approvers, redaction.approvers)
            leaf = redaction.leaf
        }
        if left.isEmpty { return .lawful(approvers: approvers, leaf: leaf) }
        return reason.map { .unproven($0) } ?? .none
    }
}
