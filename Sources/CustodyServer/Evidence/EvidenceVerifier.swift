import EventModel
import Foundation
package import Ledger

/// What an evidence pack proves.
package struct EvidenceReport: Sendable, Equatable {
    package let query: String
    package let origin: String
    package let events: Int
    /// Whether the key was given by whoever verifies, and not taken from the pack itself.
    package let isKeyTrusted: Bool
}

/// Why an evidence pack proves nothing.
package struct EvidenceError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: Sendable {
        /// The file is no evidence pack.
        case unreadable
        /// It is one, and something in it is not what the ledger committed to.
        case altered
    }

    package let code: Code
    /// The line, from 1.
    package let line: Int
    package let reason: String

    package var description: String { "line \(line): \(reason)" }
}

/// Checks an evidence pack offline: groups → event root → leaf → inclusion → checkpoint → signature.
package struct EvidenceVerifier {
    private let trusted: VerifierKey?
    private let parser = JSONParser(limits: JSONLimits(bytes: 8 << 20, depth: 8, keys: 200))

    /// - Parameter key: The ledger's verifier key, from somewhere else than the pack. Without it the pack's own is used, and
    ///   nobody vouches for that.
    package init(key: VerifierKey?) { trusted = key }

    /// - Parameter onEvent: Gets each proved event as its groups that are disclosed, by number.
    /// - Throws: ``EvidenceError``.
    package func verify(
        _ file: [UInt8], onEvent: (_ index: UInt64, _ groups: [UInt8: [UInt8]]) throws -> Void = { _, _ in }
    ) throws -> EvidenceReport {
        var lines = file.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true).makeIterator()
        guard let first = lines.next() else {
            throw EvidenceError(code: .unreadable, line: 1, reason: "the file is empty")
        }
        let header = try read(Array(first), line: 1) { value in
            guard value["format"]?.string?.text == EvidenceFormat.name, let note = value["checkpoint"]?.string,
                let key = value["vkey"]?.string?.text, let count = value["count"]?.int64
            else { throw EvidenceError(code: .unreadable, line: 1, reason: "not the header of an evidence pack") }
            return (note: Array(note), key: key, count: count, query: value["query"]?.string?.text ?? "")
        }
        let checkpoint: SignedCheckpoint
        do {
            let key = try trusted ?? VerifierKey(parsing: header.key)
            checkpoint = try SignedCheckpoint(parsing: header.note, verifiedBy: key)
        } catch {
            throw EvidenceError(code: .altered, line: 1, reason: "the checkpoint is not signed by the key: \(error)")
        }
        if let trusted, trusted.description != header.key {
            throw EvidenceError(
                code: .altered, line: 1, reason: "the pack names another key than the one that was given")
        }
        var events = 0
        var seen: Set<UInt64> = []
        while let line = lines.next() {
            events += 1
            let number = events + 1
            let (index, groups) = try read(Array(line), line: number) {
                try event($0, line: number, under: checkpoint.checkpoint)
            }
            // One event told twice would count twice.
            guard seen.insert(index).inserted else {
                throw EvidenceError(code: .altered, line: number, reason: "event \(index) is there twice")
            }
            try onEvent(index, groups)
        }
        guard Int64(events) == header.count else {
            throw EvidenceError(
                code: .altered, line: 1, reason: "the header speaks of \(header.count) events, there are \(events)")
        }
        return EvidenceReport(
            query: header.query, origin: checkpoint.checkpoint.origin, events: events, isKeyTrusted: trusted != nil)
    }

    private func event(
        _ value: JSONValue, line: Int, under checkpoint: Checkpoint
    ) throws -> (UInt64, [UInt8: [UInt8]]) {
        func unreadable(_ what: String) -> EvidenceError {
            EvidenceError(code: .unreadable, line: line, reason: "\(what) is missing or malformed")
        }
        guard let index = value["index"]?.int64.flatMap(UInt64.init(exactly:)) else { throw unreadable("index") }
        guard let kind = value["kind"]?.int64.flatMap(UInt8.init(exactly:)),
            let retentionClass = value["class"]?.int64.flatMap(UInt16.init(exactly:)),
            let received = value["received_ms"]?.int64.flatMap(UInt64.init(exactly:))
        else { throw unreadable("the leaf's entry") }
        var hashes: [TreeHash] = []
        var disclosed: [UInt8: [UInt8]] = [:]
        for (number, group) in (value["groups"].map { Array($0.elements) } ?? []).enumerated() {
            if let hash = group["hash"]?.string {
                guard let bytes = Self.decoded(hash), let known = TreeHash(bytes) else { throw unreadable("a hash") }
                hashes.append(known)
                continue
            }
            guard number < FieldGroup.count, let salt = group["salt"]?.string.flatMap(Self.decoded),
                salt.count == EventCommitment.saltSize, let bytes = group["bytes"]?.string.flatMap(Self.decoded)
            else { throw unreadable("group \(number)") }
            hashes.append(
                salt.withUnsafeBytes { salt in
                    bytes.withUnsafeBytes { EventCommitment.groupHash(group: UInt8(number), salt: salt, bytes: $0) }
                })
            disclosed[UInt8(number)] = bytes
        }
        var proof: [TreeHash] = []
        for element in value["proof"].map({ Array($0.elements) }) ?? [] {
            guard let hash = element.string.flatMap(Self.decoded).flatMap(TreeHash.init) else {
                throw unreadable("the proof")
            }
            proof.append(hash)
        }
        do {
            let entry = LeafEntry(
                kind: LeafKind(rawValue: kind), retentionClass: retentionClass, received: received,
                root: try EventCommitment.root(groupHashes: hashes))
            try MerkleProofs.verifyInclusion(
                of: entry.leafHash, at: index, in: checkpoint.size, root: checkpoint.root, proof: proof)
        } catch {
            throw EvidenceError(
                code: .altered, line: line, reason: "event \(index) is not in the ledger as it stands here: \(error)")
        }
        return (index, disclosed)
    }

    private func read<Result>(_ bytes: [UInt8], line: Int, _ body: (JSONValue) throws -> Result) throws -> Result {
        do {
            return try parser.withDocument(bytes, body)
        } catch let error as EventModelError {
            throw EvidenceError(code: .unreadable, line: line, reason: error.reason)
        }
    }

    /// Base64 in its one canonical spelling (RFC 4648 §3.5): otherwise a pack could be altered in bits that nothing covers.
    private static func decoded(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        let text = text.text
        guard let data = Data(base64Encoded: text), data.base64EncodedString() == text else { return nil }
        return Array(data)
    }
}
