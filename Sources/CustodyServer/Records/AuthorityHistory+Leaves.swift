import EventModel
import EventStore
import Foundation
import Ledger

extension AuthorityHistory {
    /// Takes the next system leaf.
    ///
    /// - Returns: why it has no effect or no authority; nil when all is well.
    @discardableResult
    package mutating func apply(_ leaf: SystemLeaf) -> RecordError? {
        do {
            guard var document = leaf.document else { return nil }
            var leaf = leaf
            defer { lostFrom = nil }
            if let lost = document.lost {
                document.lost = nil
                leaf = try takeBack(lost, document, leaf)
            }
            guard document.type.leafKind == leaf.kind else {
                throw RecordError(
                    .malformed, "a leaf of the kind \(leaf.kind) says that it is \(document.type.rawValue)")
            }
            switch document.type {
            case .addApprover: try addApprover(document, leaf)
            case .removeApprover: try removeApprover(document, leaf)
            case .setRetention: try setRetention(document, leaf)
            case .destroy: try destroy(document, leaf)
            case .addHold: try addHold(document, leaf)
            case .releaseHold: try releaseHold(document, leaf)
            case .redact: try redact(document, leaf)
            case .seal: seal(document, leaf)
            }
            return nil
        } catch {
            let objection = error as? RecordError ?? RecordError(.malformed, "\(error)")
            objections.append((leaf.index, objection.reason))
            return objection
        }
    }

    // MARK: Lost records

    /// Proves that a record stood in the lost part of the ledger. It then counts with the time at which it was received there.
    private mutating func takeBack(
        _ lost: LostRecord, _ document: SystemDocument, _ leaf: SystemLeaf
    ) throws -> SystemLeaf {
        let proven = try lost.proven(by: ownKeys)
        var original = proven.document
        original.lost = nil
        guard original == document, leaf.index >= lost.size else {
            throw RecordError(.unauthorized, "it is not the record that it gives as proof")
        }
        guard restored[proven.index] == nil else {
            throw RecordError(.unauthorized, "leaf \(proven.index) of the lost part was appended again already")
        }
        restored[proven.index] = leaf.index
        restoredRoots.append((leaf.index, lost.size, proven.root))
        lostFrom = lost.size
        return SystemLeaf(index: leaf.index, kind: leaf.kind, received: proven.received, document: document)
    }

    /// The leaf that a record means when it names one.
    private func current(_ leaf: UInt64?) -> UInt64? {
        guard let leaf, let lostFrom, leaf >= lostFrom else { return leaf }
        return restored[leaf]
    }

    // MARK: Approvers

    private mutating func addApprover(_ document: SystemDocument, _ leaf: SystemLeaf) throws {
        let note = try Self.note(document)
        let request = try request(in: note, .addApprover, leaf)
        guard let key = request.vkey.flatMap({ try? VerifierKey(parsing: $0) }) else {
            throw RecordError(.malformed, "the request names no approver's key")
        }
        // The server holds the ledger's key: it must not approve what the server wants.
        guard !ownKeys.contains(where: { $0.publicKey == key.publicKey }) else {
            throw RecordError(.unauthorized, "the ledger's own key cannot be an approver's")
        }
        guard !approvers.contains(where: { $0.publicKey == key.publicKey || $0.name == key.name }) else {
            throw RecordError(.unauthorized, "\(key.name), or its key, is an approver already")
        }
        guard try Self.signers(of: note, among: [key]) == 1 else {
            throw RecordError(.unauthorized, "the new key has not signed the request itself")
        }
        if !approvers.isEmpty { try demandSignatures(on: note) }
        use(request)
        approvers.append(key)
    }

    private mutating func removeApprover(_ document: SystemDocument, _ leaf: SystemLeaf) throws {
        let note = try Self.note(document)
        let request = try request(in: note, .removeApprover, leaf)
        guard let position = approvers.firstIndex(where: { $0.description == request.vkey }) else {
            throw RecordError(.unknown, "there is no such approver")
        }
        guard approvers.count > 1 else {
            throw RecordError(.unauthorized, "the only approver cannot be removed; add another first")
        }
        try demandSignatures(on: note)
        use(request)
        approvers.remove(at: position)
    }

    // MARK: Policies and what they destroy

    private mutating func setRetention(_ document: SystemDocument, _ leaf: SystemLeaf) throws {
        let note = try Self.note(document)
        let request = try request(in: note, .setRetention, leaf)
        guard let retentionClass = request.class, retentionClass != RetentionClass.records,
            request.days.map({ (1...36_500).contains($0) }) ?? true
        else { throw RecordError(.malformed, "a policy has a class of events, and 1 to 36500 days or none") }
        try demandSignatures(on: note)
        use(request)
        let inForce = policy(for: retentionClass, at: leaf.received)?.days ?? .max
        let isShorter = (request.days ?? .max) < inForce
        policies.append(
            Policy(
                leaf: leaf.index, retentionClass: retentionClass, days: request.days, received: leaf.received,
                effective: leaf.received + (isShorter ? Self.noticePeriod : 0), approvers: approvers.count))
    }

    private mutating func destroy(_ document: SystemDocument, _ leaf: SystemLeaf) throws {
        guard let retentionClass = document.class else { throw RecordError(.malformed, "no class is named") }
        let leaves = try earlier(LeafRanges(document: document.leaves), than: leaf)
        var objection: String?
        var cutoff: Int64 = 0
        let inForce = policy(for: retentionClass, at: leaf.received)
        if let policy = inForce, policy.leaf == current(document.policy), let days = policy.days {
            cutoff = leaf.received - Int64(days) * Self.dayMilliseconds
        } else {
            objection = "the policy that it names was not in force"
        }
        let held = heldLeaves
        destructions.append(
            Destruction(
                leaf: leaf.index, retentionClass: retentionClass, leaves: leaves, objection: objection, cutoff: cutoff,
                received: leaf.received,
                held: held, approvers: inForce?.approvers ?? 0))
        if let objection { throw RecordError(.unauthorized, objection) }
    }

    // MARK: Holds

    private mutating func addHold(_ document: SystemDocument, _ leaf: SystemLeaf) throws {
        guard let name = document.name, !name.isEmpty else { throw RecordError(.malformed, "a hold has a name") }
        holds.append(
            Hold(
                leaf: leaf.index, name: name, query: document.query,
                leaves: try earlier(LeafRanges(document: document.leaves), than: leaf), received: leaf.received))
    }

    private mutating func releaseHold(_ document: SystemDocument, _ leaf: SystemLeaf) throws {
        let note = try Self.note(document)
        let request = try request(in: note, .releaseHold, leaf)
        let hold = current(request.hold)
        guard let position = holds.firstIndex(where: { $0.leaf == hold && $0.released == nil }) else {
            throw RecordError(.unknown, "there is no such hold in force")
        }
        try demandSignatures(on: note)
        use(request)
        holds[position].released = leaf.index
    }

    // MARK: Redactions and seals

    private mutating func redact(_ document: SystemDocument, _ leaf: SystemLeaf) throws {
        let note = try Self.note(document)
        // What the note names was asked for, whether or not it may be done.
        let asked = try AuthorityRequest(text: note.text)
        let leaves = try earlier(asked.ranges(), than: leaf)
        guard leaves.count <= AuthorityRequest.maximumRedactedEvents else {
            throw RecordError(
                .malformed, "one request redacts at most \(AuthorityRequest.maximumRedactedEvents) events")
        }
        let groups = try asked.destroyedGroups()
        let objection: RecordError?
        do {
            let request = try request(in: note, .redact, leaf)
            guard !leaves.overlaps(heldLeaves) else {
                throw RecordError(.held, "a legal hold covers some of these events")
            }
            try demandSignatures(on: note)
            use(request)
            objection = nil
        } catch let error as RecordError {
            objection = error
        }
        redactions.append(
            Redaction(
                leaf: leaf.index, leaves: leaves, groups: groups, objection: objection?.reason,
                approvers: approvers.count))
        if let objection { throw objection }
    }

    private mutating func seal(_ document: SystemDocument, _ leaf: SystemLeaf) {
        guard let segment = document.segment, let digest = document.index else { return }
        seals[segment] = Seal(
            leaf: leaf.index, rows: document.rows ?? 0, checksum: document.checksum ?? "", digest: digest)
    }

    // MARK: Requests

    /// Records speak of leaves before them; what names others can never be done.
    private func earlier(_ leaves: LeafRanges, than leaf: SystemLeaf) throws -> LeafRanges {
        let leaves = lostFrom.map { leaves.below($0) } ?? leaves
        guard leaves.ranges.last.map({ $0.upperBound < leaf.index }) ?? false else {
            throw RecordError(.malformed, "some of the leaves are not there")
        }
        return leaves
    }

    private static func note(_ document: SystemDocument) throws -> SignedNote {
        guard let approval = document.approval else { throw RecordError(.unauthorized, "no approver has signed it") }
        do { return try SignedNote(parsing: Array(approval.utf8)) } catch {
            throw RecordError(.malformed, "the approval is no signed request: \(error)")
        }
    }

    private func request(
        in note: SignedNote, _ action: AuthorityRequest.Action, _ leaf: SystemLeaf
    ) throws -> AuthorityRequest {
        let request = try AuthorityRequest(text: note.text)
        guard request.action == action else { throw RecordError(.malformed, "the request is about something else") }
        guard ownKeys.contains(where: { $0.name == request.ledger }) else {
            throw RecordError(.unauthorized, "the request is for the ledger \(request.ledger)")
        }
        guard let created = Timestamp(parsing: request.created)?.milliseconds,
            created <= leaf.received + AuthorityRequest.clockSkew,
            leaf.received <= created + AuthorityRequest.validity
        else { throw RecordError(.unauthorized, "the request is from the future or older than 30 days") }
        guard request.nonce.utf8.count >= 16, !nonces.contains(request.nonce) else {
            throw RecordError(.unauthorized, "the request was used before")
        }
        return request
    }

    private func demandSignatures(on note: SignedNote) throws {
        let count = try Self.signers(of: note, among: approvers)
        guard count >= requiredSignatures, !approvers.isEmpty else {
            throw RecordError(
                .unauthorized,
                approvers.isEmpty
                    ? "there is no approver yet" : "\(count) of \(requiredSignatures) approvers have signed it")
        }
    }

    private static func signers(of note: SignedNote, among keys: [VerifierKey]) throws -> Int {
        do { return Set(try note.verified(by: keys)).count } catch let error as LedgerError {
            // No signature of these keys is an answer; a wrong one is an attempt.
            guard
                note.signatures.contains(where: { signature in
                    keys.contains { $0.name == signature.name && $0.keyID == signature.keyID }
                })
            else { return 0 }
            throw RecordError(.unauthorized, error.reason)
        }
    }

    private mutating func use(_ request: AuthorityRequest) { nonces.insert(request.nonce) }
}
