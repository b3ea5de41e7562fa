import EventModel
import EventStore
import Ledger
import Testing

@testable import CustodyServer

@Suite("What the ledger's own leaves allow")
struct AuthorityHistoryTests {
    private static let start = Timestamp(seconds: 1_790_000_000)
    private static let day: Int64 = 86_400

    private let approvals: Approvals
    private var history: AuthorityHistory
    private var next: UInt64 = 1_000

    init() throws {
        let ledger = try LedgerKey(name: "custody/test", seed: [UInt8](repeating: 9, count: 32))
        approvals = try Approvals(ledger: ledger.verifierKey)
        history = AuthorityHistory(ledger: ledger.verifierKey)
    }

    private static func time(_ days: Int64) -> Timestamp { Timestamp(seconds: start.seconds + days * day) }

    /// Applies a leaf on a day; the objection to it, if any.
    @discardableResult
    private mutating func apply(
        _ type: SystemDocument.Kind, _ approval: String? = nil, on day: Int64, kind: LeafKind? = nil,
        _ fill: (inout SystemDocument) -> Void = { _ in }
    ) -> RecordError? {
        var document = SystemDocument(type)
        document.approval = approval
        fill(&document)
        next += 1
        return history.apply(
            SystemLeaf(
                index: next, kind: kind ?? type.leafKind, received: Self.time(day).milliseconds, document: document))
    }

    /// Alice and Bob are approvers; events of class 0 are kept for 30 days from day 7 on.
    private mutating func setUp() throws {
        let (alice, bob) = (approvals.alice, approvals.bob)
        #expect(apply(.addApprover, try approvals.adding(alice, at: Self.time(0), by: [alice]), on: 0) == nil)
        #expect(apply(.addApprover, try approvals.adding(bob, at: Self.time(0), by: [alice, bob]), on: 0) == nil)
        let policy = try approvals.retention(days: 30, at: Self.time(0), by: [alice, bob])
        #expect(apply(.setRetention, policy, on: 0) == nil)
    }

    @discardableResult
    private mutating func destroy(
        _ leaves: [[UInt64]], on day: Int64, policy: UInt64? = nil, of retentionClass: UInt16 = 0
    ) -> RecordError? {
        let inForce = policy ?? history.policies.last?.leaf
        return apply(.destroy, on: day) {
            $0.class = retentionClass
            $0.leaves = leaves
            $0.policy = inForce
        }
    }

    private func verdict(
        _ index: UInt64, receivedOn day: Int64 = 0, of retentionClass: UInt16 = 0, kind: LeafKind = .event
    ) -> AuthorityHistory.Verdict {
        history.destruction(
            of: index,
            LeafEntry(
                kind: kind, retentionClass: retentionClass, received: UInt64(Self.time(day).milliseconds),
                root: MerkleHashing.emptyRoot))
    }

    private func isUnproven(_ verdict: AuthorityHistory.Verdict) -> Bool {
        if case .unproven = verdict { true } else { false }
    }

    @Test(
        "A destruction by a policy of two approvers is lawful for what is of its class and old enough, and for nothing else"
    )
    mutating func lawful() throws {
        try setUp()
        #expect(destroy([[10, 20]], on: 40) == nil)
        #expect(verdict(10) == .lawful(approvers: 2, leaf: next))
        #expect(verdict(20, receivedOn: 10) == .lawful(approvers: 2, leaf: next))
        #expect(isUnproven(verdict(15, receivedOn: 11)))
        #expect(isUnproven(verdict(15, kind: .hold)))
        #expect(verdict(15, of: 3) == .none)
        #expect(verdict(21) == .none)
    }

    @Test("A policy takes effect after its notice period; a destruction before that proves nothing")
    mutating func notice() throws {
        try setUp()
        #expect(history.policy(for: 0, at: Self.time(6).milliseconds) == nil)
        #expect(destroy([[10, 20]], on: 6) != nil)
        #expect(isUnproven(verdict(10, receivedOn: -100)))
        #expect(history.policy(for: 0, at: Self.time(7).milliseconds)?.days == 30)
    }

    @Test("A longer policy is in force at once; going back to the shorter one waits again")
    mutating func lengthened() throws {
        try setUp()
        let both = [approvals.alice, approvals.bob]
        let longer = try approvals.retention(days: 90, at: Self.time(10), by: both)
        #expect(apply(.setRetention, longer, on: 10) == nil)
        #expect(history.policy(for: 0, at: Self.time(10).milliseconds)?.days == 90)
        let shorter = try approvals.retention(days: 30, at: Self.time(11), by: both)
        #expect(apply(.setRetention, shorter, on: 11) == nil)
        #expect(history.policy(for: 0, at: Self.time(17).milliseconds)?.days == 90)
        // Setting it a second time does not spare the notice.
        let again = try approvals.retention(days: 30, at: Self.time(12), by: both)
        #expect(apply(.setRetention, again, on: 12) == nil)
        #expect(history.policy(for: 0, at: Self.time(17).milliseconds)?.days == 90)
        #expect(history.policy(for: 0, at: Self.time(18).milliseconds)?.days == 30)
    }

    @Test("One signature of two, a stranger's, the same one twice or none is no authority")
    mutating func wrongSigners() throws {
        try setUp()
        let (alice, bob, mallory) = (approvals.alice, approvals.bob, approvals.mallory)
        for signers in [[alice], [mallory], [alice, mallory], [alice, alice], []] as [[LedgerKey]] {
            let policy = try approvals.retention(days: 1, at: Self.time(1), by: signers)
            #expect(apply(.setRetention, policy, on: 1) != nil)
        }
        #expect(apply(.setRetention, nil, on: 1) != nil)
        #expect(history.policies.count == 1)
        #expect(
            apply(.addApprover, try approvals.adding(mallory, at: Self.time(1), by: [mallory]), on: 1) != nil)
        #expect(
            apply(.addApprover, try approvals.adding(mallory, at: Self.time(1), by: [alice, bob]), on: 1) != nil)
        #expect(history.approvers.map(\.name) == ["alice", "bob"])
    }

    @Test("A signature under other words is no signature")
    mutating func alteredRequest() throws {
        try setUp()
        let note = try approvals.retention(days: 365, at: Self.time(1), by: [approvals.alice, approvals.bob])
        #expect(apply(.setRetention, note.replacing("365", with: "1"), on: 1) != nil)
        #expect(history.policies.count == 1)
    }

    @Test("A request is good once, for its own ledger, its own action and thirty days")
    mutating func replay() throws {
        try setUp()
        let both = [approvals.alice, approvals.bob]
        let note = try approvals.retention(days: 365, at: Self.time(1), by: both)
        #expect(apply(.setRetention, note, on: 2) == nil)
        #expect(apply(.setRetention, note, on: 3) != nil)
        #expect(apply(.setRetention, try approvals.retention(days: 9, at: Self.time(1), by: both), on: 32) != nil)
        #expect(apply(.setRetention, try approvals.retention(days: 9, at: Self.time(9), by: both), on: 8) != nil)
        let elsewhere = try approvals.note(.setRetention, at: Self.time(3), by: both) {
            $0.ledger = "custody/other"
            $0.class = 0
            $0.days = 9
        }
        #expect(apply(.setRetention, elsewhere, on: 3) != nil)
        let redaction = try approvals.redaction([[1, 1]], ["actor"], at: Self.time(3), by: both)
        #expect(apply(.setRetention, redaction, on: 3) != nil)
    }

    @Test("The ledger's own key cannot approve")
    mutating func ledgerKey() throws {
        let ledger = try LedgerKey(name: "custody/test", seed: [UInt8](repeating: 9, count: 32))
        #expect(apply(.addApprover, try approvals.adding(ledger, at: Self.time(0), by: [ledger]), on: 0) != nil)
        #expect(history.approvers.isEmpty)
    }

    @Test("A destruction of what is held proves nothing for the held; its release needs authority")
    mutating func holds() throws {
        try setUp()
        #expect(
            apply(.addHold, on: 20) {
                $0.name = "case"
                $0.leaves = [[12, 14]]
            } == nil)
        let hold = next
        destroy([[10, 20]], on: 40)
        #expect(verdict(11) == .lawful(approvers: 2, leaf: next))
        #expect(isUnproven(verdict(13)))
        let alone = try approvals.note(.releaseHold, at: Self.time(41), by: [approvals.alice]) { $0.hold = hold }
        #expect(apply(.releaseHold, alone, on: 41) != nil)
        let release = try approvals.note(.releaseHold, at: Self.time(41), by: [approvals.alice, approvals.bob]) {
            $0.hold = hold
        }
        #expect(apply(.releaseHold, release, on: 41) == nil)
        #expect(isUnproven(verdict(13)))
        destroy([[12, 14]], on: 42)
        #expect(verdict(13) == .lawful(approvers: 2, leaf: next))
    }

    @Test(
        "A forged certificate names a policy that is not there, not in force, or of another class, and proves nothing")
    mutating func forged() throws {
        try setUp()
        #expect(destroy([[10, 20]], on: 40, policy: 7) != nil)
        #expect(destroy([[10, 20]], on: 40, of: 5) != nil)
        #expect(isUnproven(verdict(12)))
        #expect(isUnproven(verdict(12, of: 5)))
    }

    @Test("Cosignatures bound ages: a leaf that was dated back, or a destruction that was dated on, proves nothing")
    mutating func cosignedAges() throws {
        try setUp()
        #expect(destroy([[10, 20]], on: 40) == nil)
        func verdict(_ bounds: [(leaf: UInt64, size: UInt64, day: Int64)]) -> AuthorityHistory.Verdict {
            let times = CosignedTimes(
                bounds.map { (leaf: $0.leaf, size: $0.size, time: UInt64(Self.time($0.day).seconds)) })
            return history.destruction(
                of: 10,
                LeafEntry(
                    kind: .event, retentionClass: 0, received: UInt64(Self.time(0).milliseconds),
                    root: MerkleHashing.emptyRoot), times: times)
        }
        #expect(verdict([(5, 5, -1), (15, 12, 0)]) == .lawful(approvers: 2, leaf: next))
        // A witness saw the ledger on day 20 without leaf 10.
        #expect(isUnproven(verdict([(5, 5, 20)])))
        // A witness saw the destruction on day 25.
        #expect(isUnproven(verdict([(next + 5, next + 2, 25)])))
        #expect(verdict([(next + 5, next + 2, 41)]) == .lawful(approvers: 2, leaf: next))
    }

    @Test("A leaf of one kind that carries the document of another has no effect")
    mutating func otherKind() throws {
        try setUp()
        let note = try approvals.retention(days: 9, at: Self.time(1), by: [approvals.alice, approvals.bob])
        #expect(apply(.setRetention, note, on: 1, kind: .hold) != nil)
        #expect(history.policies.count == 1)
    }

    @Test("With one approver one signature is enough, and the verdict says that it was one")
    mutating func singleOperator() throws {
        let alice = approvals.alice
        #expect(apply(.addApprover, try approvals.adding(alice, at: Self.time(0), by: [alice]), on: 0) == nil)
        #expect(apply(.setRetention, try approvals.retention(days: 30, at: Self.time(0), by: [alice]), on: 0) == nil)
        destroy([[10, 20]], on: 40)
        #expect(verdict(10) == .lawful(approvers: 1, leaf: next))
    }

    @Test("A redaction covers the groups that it names and the payload; one of a held event proves nothing")
    mutating func redaction() throws {
        try setUp()
        let both = [approvals.alice, approvals.bob]
        #expect(apply(.redact, try approvals.redaction([[5, 5]], ["actor"], at: Self.time(1), by: both), on: 1) == nil)
        #expect(history.redaction(of: 5, [.actor, .raw]) == .lawful(approvers: 2, leaf: next))
        #expect(history.redaction(of: 5, [.actor, .network]) == .none)
        #expect(history.redaction(of: 6, [.raw]) == .none)
        apply(.addHold, on: 2) {
            $0.name = "case"
            $0.leaves = [[8, 8]]
        }
        let held = try approvals.redaction([[8, 9]], ["actor"], at: Self.time(3), by: both)
        #expect(apply(.redact, held, on: 3)?.code == .held)
        #expect(isUnproven(history.redaction(of: 9, [.actor])))
        // Leaves that are not there, and more than one request may name.
        next = 1_000_000
        for leaves in [[[next + 5, next + 5]], [[0, AuthorityRequest.maximumRedactedEvents]]] as [[[UInt64]]] {
            let wrong = try approvals.redaction(leaves, ["actor"], at: Self.time(4), by: both)
            #expect(apply(.redact, wrong, on: 4)?.code == .malformed)
        }
        let envelope = try approvals.redaction([[5, 5]], ["envelope"], at: Self.time(4), by: both)
        #expect(apply(.redact, envelope, on: 4) != nil)
    }
}
