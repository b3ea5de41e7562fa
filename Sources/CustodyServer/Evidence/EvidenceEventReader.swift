import EventModel
import Foundation
import Ledger

/// Reads the lines of an evidence pack and checks each event's proof.
struct EvidenceEventReader {
    enum Line {
        /// A proved event: its leaf, and its disclosed groups.
        case event(index: UInt64, entry: LeafEntry, groups: [UInt8: [UInt8]])
        /// How many events there have to be, and what they do not cover as JSON text.
        case trailer(events: Int64, coverage: [UInt8])
    }

    private let parser = JSONParser(
        limits: JSONLimits(bytes: EvidenceFormat.maximumLineBytes + 1, depth: 8, keys: 10_000))

    func header(_ line: [UInt8]) throws -> (note: [UInt8], key: String, query: String) {
        try read(line, 1) { value in
            guard value["format"]?.string?.text == EvidenceFormat.name, let note = value["checkpoint"]?.string,
                let key = value["vkey"]?.string?.text
            else {
                throw EvidenceVerifier.unreadable(1, "not the header of a pack of the format \(EvidenceFormat.name)")
            }
            return (note: Array(note), key: key, query: value["query"]?.string?.text ?? "")
        }
    }

    func line(_ line: [UInt8], number: Int, under checkpoint: Checkpoint) throws -> Line {
        try read(line, number) { value in
            guard let events = value["events"]?.int64 else { return try event(value, number, checkpoint) }
            guard let start = Self.position(of: "\"coverage\":", in: line) else {
                throw EvidenceVerifier.unreadable(number, "the coverage is missing")
            }
            return .trailer(events: events, coverage: Array(line[start...].dropLast(2)))
        }
    }

    func signature(_ line: [UInt8], number: Int) throws -> SignedNote {
        try read(line, number) { value in
            guard let note = value["signature"]?.string.flatMap({ try? SignedNote(parsing: Array($0)) }) else {
                throw EvidenceVerifier.altered(number, "this is not the signature that a pack ends with")
            }
            return note
        }
    }

    private func event(_ value: JSONValue, _ line: Int, _ checkpoint: Checkpoint) throws -> Line {
        func unreadable(_ what: String) -> EvidenceError {
            EvidenceVerifier.unreadable(line, "\(what) is missing or malformed")
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
        let entry: LeafEntry
        do {
            entry = LeafEntry(
                kind: LeafKind(rawValue: kind), retentionClass: retentionClass, received: received,
                root: try EventCommitment.root(groupHashes: hashes))
            try MerkleProofs.verifyInclusion(
                of: entry.leafHash, at: index, in: checkpoint.size, root: checkpoint.root, proof: proof)
        } catch {
            throw EvidenceVerifier.altered(line, "event \(index) is not in the ledger as it stands here: \(error)")
        }
        return .event(index: index, entry: entry, groups: disclosed)
    }

    private func read<Result>(_ bytes: [UInt8], _ line: Int, _ body: (JSONValue) throws -> Result) throws -> Result {
        do {
            return try parser.withDocument(bytes, body)
        } catch let error as EventModelError {
            throw EvidenceVerifier.unreadable(line, error.reason)
        }
    }

    private static func position(of text: String, in line: [UInt8]) -> Int? {
        let wanted = Array(text.utf8)
        guard line.count > wanted.count else { return nil }
        return (0..<line.count - wanted.count).first { line[$0...].starts(with: wanted) }.map { $0 + wanted.count }
    }

    /// Base64 in its one canonical spelling (RFC 4648 §3.5): otherwise a pack could be altered in bits that nothing covers.
    private static func decoded(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        let text = text.text
        guard let data = Data(base64Encoded: text), data.base64EncodedString() == text else { return nil }
        return Array(data)
    }
}
