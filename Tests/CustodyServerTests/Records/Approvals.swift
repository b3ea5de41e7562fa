import EventModel
import Foundation
import Ledger
import Synchronization
import Testing

@testable import CustodyServer

/// Approvers' keys and what they sign, for tests.
struct Approvals {
    let ledger: VerifierKey
    let alice: LedgerKey
    let bob: LedgerKey
    let mallory: LedgerKey

    init(ledger: VerifierKey) throws {
        self.ledger = ledger
        alice = try LedgerKey(name: "alice", seed: [UInt8](repeating: 1, count: 32))
        bob = try LedgerKey(name: "bob", seed: [UInt8](repeating: 2, count: 32))
        mallory = try LedgerKey(name: "mallory", seed: [UInt8](repeating: 3, count: 32))
    }

    /// A signed request.
    func note(
        _ action: AuthorityRequest.Action, at time: Timestamp, by signers: [LedgerKey],
        nonce: String = UUID().uuidString,
        _ fill: (inout AuthorityRequest) -> Void
    ) throws -> String {
        var request = AuthorityRequest(ledger: ledger.name, action: action, created: time.text, nonce: nonce)
        fill(&request)
        let text = try request.text()
        guard let first = signers.first else { return String(decoding: text, as: UTF8.self) }
        var note = try SignedNote(signing: text, with: first)
        for signer in signers.dropFirst() {
            note.signatures += try SignedNote(signing: text, with: signer).signatures
        }
        return String(decoding: note.bytes, as: UTF8.self)
    }

    func adding(_ key: LedgerKey, at time: Timestamp, by signers: [LedgerKey]) throws -> String {
        try note(.addApprover, at: time, by: signers) { $0.vkey = key.verifierKey.description }
    }

    func retention(days: Int?, of retentionClass: UInt16 = 0, at time: Timestamp, by signers: [LedgerKey]) throws
        -> String
    {
        try note(.setRetention, at: time, by: signers) {
            $0.class = retentionClass
            $0.days = days
        }
    }

    func redaction(_ leaves: [[UInt64]], _ groups: [String], at time: Timestamp, by signers: [LedgerKey]) throws
        -> String
    {
        try note(.redact, at: time, by: signers) {
            $0.leaves = leaves
            $0.groups = groups
        }
    }

    /// The body of a change.
    static func body(_ note: String) throws -> String {
        String(decoding: try JSONSerialization.data(withJSONObject: ["approval": note]), as: UTF8.self)
    }
}

/// A wall clock that goes on by itself and that tests move by days.
final class MovingClock: Sendable {
    private let offset: Mutex<Int64>

    init(_ start: String = "2026-01-10T12:00:00Z") {
        let moment = Timestamp(parsing: start) ?? Timestamp(seconds: 0)
        offset = Mutex(moment.rawValue - WallClock.now().rawValue)
    }

    var now: Timestamp { WallClock.now().advanced(byNanoseconds: offset.withLock { $0 }) }
    func advance(days: Int64) { offset.withLock { $0 += days * 86_400_000_000_000 } }
}
