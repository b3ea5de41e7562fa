import EventModel
import EventStore
import Ledger

/// Holds what is not stored any more against what the ledger's own leaves allow.
struct AuthorityJudgement {
    let history: AuthorityHistory
    /// Leaves from here on are under no checkpoint yet.
    private let size: UInt64
    /// Events whose destruction only such a leaf allows, and the first of these leaves.
    private var pending: (events: UInt64, leaf: UInt64) = (0, .max)
    private(set) var lawful: UInt64 = 0
    private(set) var unproven: UInt64 = 0
    private(set) var missing: UInt64 = 0
    /// Of events that are stored, those that lack groups lawfully, and those that lack them without authority.
    private(set) var redacted: UInt64 = 0
    private(set) var strippedLeaves: [UInt64] = []
    private(set) var faults: [String] = []
    private var fewestApprovers = Int.max

    private let times: CosignedTimes

    /// - Parameters:
    ///   - times: What witnesses vouch for.
    ///   - formerly: Keys that the ledger had before, those of logs that it goes on for included.
    ///   - leaves: every system leaf that verified, in any order; the journal and the segments may have the same. Those at or
    ///     beyond `size` have what their approvals prove.
    ///   - size: Leaves of the tree that is signed.
    init(
        ledger: VerifierKey, formerly: [VerifierKey] = [], leaves: [SystemLeaf], size: UInt64, times: CosignedTimes
    ) {
        self.times = times
        self.size = size
        var history = AuthorityHistory(ledger: ledger, formerly: formerly)
        var last: UInt64?
        for leaf in leaves.sorted(by: { $0.index < $1.index }) where leaf.index != last {
            history.apply(leaf)
            last = leaf.index
        }
        self.history = history
    }

    /// Judges a leaf whose event is nowhere.
    mutating func judge(missing index: UInt64, _ entry: LeafEntry) {
        switch history.destruction(of: index, entry, times: times) {
        case .lawful(let approvers, let leaf):
            lawful += 1
            allow(approvers, leaf)
        case .unproven(let reason):
            unproven += 1
            if unproven == 1 { faults.append("leaf \(index): destroyed without proven authority: \(reason)") }
        case .none:
            missing += 1
            if missing == 1 { faults.append("leaf \(index): no event is stored for it") }
        }
    }

    /// Judges a leaf whose event lacks groups.
    mutating func judge(redacted index: UInt64, _ groups: Set<FieldGroup>) {
        switch history.redaction(of: index, groups) {
        case .lawful(let approvers, let leaf):
            redacted += 1
            allow(approvers, leaf)
        case .unproven(let reason):
            strip(index, reason)
        case .none:
            strip(index, "no redaction covers it")
        }
    }

    private mutating func allow(_ approvers: Int, _ leaf: UInt64) {
        fewestApprovers = min(fewestApprovers, approvers)
        if leaf >= size { pending = (pending.events + 1, min(pending.leaf, leaf)) }
    }

    private mutating func strip(_ index: UInt64, _ reason: String) {
        strippedLeaves.append(index)
        if strippedLeaves.count == 1 {
            faults.append("leaf \(index): groups were destroyed without proven authority: \(reason)")
        }
    }

    /// What a reader of the counts has to know.
    var notes: [String] {
        var notes: [String] = []
        if redacted > 0 {
            notes.append("\(redacted) of the verified events were redacted lawfully; what is left verifies")
        }
        if lawful > 0 || redacted > 0 {
            if fewestApprovers < 2 {
                notes.append("authority of one approver alone (a single-operator installation)")
            }
            notes.append(
                times.isEmpty
                    ? "ages are measured by the times of receipt in the ledger: no cosignatures bound them"
                    : "ages are measured by cosignatures where beacons bound them, else by times of receipt")
        }
        if pending.events > 0 {
            notes.append(
                "\(pending.events) of these by records that no checkpoint covers yet; the first is leaf \(pending.leaf)"
            )
        }
        if !history.approvers.isEmpty {
            notes.append("approvers: " + history.approvers.map(\.description).joined(separator: ", "))
        }
        let holds = history.activeHolds
        if !holds.isEmpty { notes.append("\(holds.count) legal holds are in force") }
        if let objection = history.objections.first {
            notes.append(
                "\(history.objections.count) records claim an authority that they do not have; the first is leaf "
                    + "\(objection.leaf): \(objection.reason)")
        }
        return notes
    }
}
