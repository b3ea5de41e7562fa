import EventModel
import Ledger

/// What Custody itself sealed about the signer and about time, as a verification comes across it: beacons and changes of the
/// key. Compared with the ledger when all of it is there.
struct SignerStatements: Sendable {
    /// Payloads by their leaf's index.
    private(set) var beacons: [(index: UInt64, payload: [UInt8])] = []
    private(set) var changes: [(index: UInt64, payload: [UInt8])] = []

    /// Takes a leaf's payload when it is one that is checked here.
    mutating func note(_ view: SealedView, at index: UInt64) {
        guard let payload = view.payload else { return }
        switch LeafKind(rawValue: view.kind) {
        case .beacon: beacons.append((index, Array(payload)))
        case .keyChange, .incident: changes.append((index, Array(payload)))
        default: return
        }
    }

    mutating func add(_ other: SignerStatements) {
        beacons += other.beacons
        changes += other.changes
    }

    /// What a beacon says: the leaves from `index` on were sealed after `time`.
    struct Bound: Sendable {
        let index: UInt64
        /// The size of the checkpoint that was cosigned: the leaves below it were sealed before ``time``.
        let size: UInt64
        /// The latest cosignature's, in seconds since 1970.
        let time: UInt64
    }

    /// The bounds of time from below that the beacons give. A beacon has to carry a checkpoint of this very tree, signed by
    /// the log and older than the beacon itself; only cosignatures of witnesses of the policy say anything about time.
    ///
    /// - Parameter keys: the keys that the log has had.
    /// - Returns: the bounds in the order of the leaves; and what is wrong, in words.
    func bounds(
        in ledger: LedgerReader, keys: [VerifierKey], policy: WitnessPolicy?
    ) -> (bounds: [Bound], faults: [String]) {
        var bounds: [Bound] = []
        var faults: [String] = []
        for (index, payload) in beacons.sorted(by: { $0.index < $1.index }) {
            do {
                let note = try BeaconLeaf.note(in: payload)
                let signed = try SignedCheckpoint(parsing: note.bytes, verifiedBy: keys)
                guard signed.checkpoint.size <= index,
                    try ledger.root(of: signed.checkpoint.size) == signed.checkpoint.root
                else { throw LedgerError(.fork, "its checkpoint is not one of this ledger before it") }
                guard let time = try policy?.judge(signed.note).times.values.max() else { continue }
                bounds.append(Bound(index: index, size: signed.checkpoint.size, time: time))
            } catch {
                faults.append("beacon of leaf \(index): \((error as? LedgerError)?.reason ?? "\(error)")")
            }
        }
        return (bounds, faults)
    }

    /// Changes of the key that are told beside the checkpoint and are in no leaf.
    ///
    /// - Parameter pending: payloads that wait for the server's next start.
    func unrecorded(_ statements: [[UInt8]], pending: [[UInt8]]) -> [String] {
        let recorded = (changes.map(\.payload) + pending).compactMap { payload in
            try? JSONParser().withDocument(payload) { $0["statement"]?.string.map { Array($0) } }
        }
        return statements.indices.filter { !recorded.contains(statements[$0]) }.map {
            "ledger/\(KeyHistory.path($0 + 1)): this change of the key is in no leaf"
        }
    }
}
