/// Which logs are known, which witnesses, and which of these have to have cosigned a checkpoint. C2SP `tlog-policy`.
///
/// The text is read by ``init(parsing:)``; a policy judges notes with ``judge(_:)``.
package struct WitnessPolicy: Hashable, Sendable {
    /// The largest policy that is read.
    package static let maximumSize = 1 << 20
    /// Logs, witnesses and groups that a policy may have, of each; the specification asks for at least 32.
    package static let maximumCount = 256

    /// A log whose checkpoints are accepted.
    package struct Log: Hashable, Sendable {
        /// The key, whose name is the log's origin; `nil` for one of a type that is not supported, which never verifies.
        package let key: VerifierKey?
        /// Where the log is; what for depends on who uses the policy.
        package let url: String?
        let publicKey: [UInt8]
    }

    /// A witness.
    package struct Witness: Hashable, Sendable {
        /// The name that it has in the policy, and nowhere else.
        package let name: String
        /// The key; `nil` for one of a type that is not supported, whose cosignatures never count.
        package let key: VerifierKey?
        /// The submission prefix of its C2SP `tlog-witness` interface.
        package let url: String?
        let publicKey: [UInt8]
    }

    /// What a name of the policy stands for; a member lies before its group.
    enum Node: Hashable, Sendable {
        case witness(Int)
        case group(threshold: Int, members: [Int])
    }

    /// The logs in the order of their lines.
    package internal(set) var logs: [Log] = []
    /// The witnesses in the order of their lines.
    package internal(set) var witnesses: [Witness] = []
    var nodes: [Node] = []
    /// The node that has to have witnessed; `nil` for `quorum none`.
    var quorum: Int?

    /// The policy that asks for no witness.
    package static let none = WitnessPolicy()

    init() {}

    /// The fewest cosignatures that can make a quorum; 0 for `quorum none`.
    package var fewestCosignatures: Int {
        guard let quorum else { return 0 }
        var costs: [Int] = []
        for node in nodes {
            switch node {
            case .witness: costs.append(1)
            case .group(let threshold, let members):
                costs.append(members.map { costs[$0] }.sorted().prefix(threshold).reduce(0, +))
            }
        }
        return costs[quorum]
    }

    /// Whether cosignatures of these witnesses, by their place in ``witnesses``, are enough.
    package func isSatisfied(by cosigned: Set<Int>) -> Bool {
        guard let quorum else { return true }
        var witnessed: [Bool] = []
        for node in nodes {
            switch node {
            case .witness(let index): witnessed.append(cosigned.contains(index))
            case .group(let threshold, let members):
                witnessed.append(members.count { witnessed[$0] } >= threshold)
            }
        }
        return witnessed[quorum]
    }

    /// What the signatures under a checkpoint are worth.
    package struct Judgement: Hashable, Sendable {
        /// The valid cosignatures: the witness' place in ``WitnessPolicy/witnesses``, and when it signed (the latest, where
        /// it signed more than once).
        package let times: [Int: UInt64]
        /// Whether they are enough.
        package let isQuorum: Bool
    }

    /// Verifies the cosignatures of all known witnesses under a checkpoint.
    ///
    /// - Throws: ``LedgerError/Code/signatureInvalid`` when one of a known witness fails, which spoils the whole note.
    package func judge(_ note: SignedNote) throws -> Judgement {
        var times: [Int: UInt64] = [:]
        for signature in note.signatures {
            guard
                let index = witnesses.firstIndex(where: {
                    $0.key.map { $0.name == signature.name && $0.keyID == signature.keyID } ?? false
                }), let key = witnesses[index].key
            else { continue }
            guard key.isValid(signature.bytes, over: note.text), let cosignature = Cosignature(signature.bytes) else {
                throw LedgerError(.signatureInvalid, "the cosignature of \(key.name) is not valid")
            }
            times[index] = max(times[index] ?? 0, cosignature.time)
        }
        return Judgement(times: times, isQuorum: isSatisfied(by: Set(times.keys)))
    }

    /// Reads a checkpoint, which has to be of a log of this policy and cosigned by a quorum.
    ///
    /// - Parameter logs: keys to accept beside the policy's own.
    /// - Throws: ``LedgerError/Code/malformed``, ``LedgerError/Code/signatureInvalid``, or
    ///   ``LedgerError/Code/quorumMissing`` when too few witnesses have cosigned it.
    package func checkpoint(
        _ bytes: [UInt8], logs extra: [VerifierKey] = []
    ) throws -> (SignedCheckpoint, Judgement) {
        let signed = try SignedCheckpoint(parsing: bytes, verifiedBy: logs.compactMap(\.key) + extra)
        let judgement = try judge(signed.note)
        guard judgement.isQuorum else {
            throw LedgerError(.quorumMissing, quorumGap(judgement))
        }
        return (signed, judgement)
    }

    /// Why a checkpoint lacks its quorum, in words.
    package func quorumGap(_ judgement: Judgement) -> String {
        let present = judgement.times.keys.sorted().map { witnesses[$0].name }
        let who = present.isEmpty ? "no witness of the policy" : "only " + present.joined(separator: ", ")
        return "\(who) cosigned the checkpoint, which is no quorum (\(fewestCosignatures) needed at least)"
    }
}
