import EventModel
import EventStore
import Foundation
import Journal
import Ledger

/// An evidence pack: events with everything that proves them, in one file of JSON lines. docs/format/evidence.md.
package enum EvidenceFormat {
    package static let name = "custody-evidence/2"
    /// Events of one pack; the next one goes on where it ended.
    package static let maximumEvents = 1_000_000
    /// The longest line that is read: an event of 1 MiB, its payload and its fields in base64, fits several times.
    package static let maximumLineBytes = 8 << 20

    /// The first line.
    static func header(
        query: String, created: Timestamp, key: VerifierKey, checkpoint: [UInt8], disclosing groups: Set<FieldGroup>
    ) -> [UInt8] {
        line { json in
            json.member("format", name)
            json.member("query", query)
            json.member("created", created.text)
            json.member("vkey", key.description)
            json.member("checkpoint", String(decoding: checkpoint, as: UTF8.self))
            json.member("groups") { json in
                json.array { json in
                    for group in FieldGroup.allCases where groups.contains(group) { json.value(group.name) }
                }
            }
        }
    }

    /// What a seed has of an event: the salts of its groups, and the hashes of those that were destroyed.
    ///
    /// - Returns: nil when there is neither: the event is gone.
    static func parts(of seed: SaltSeed, at index: UInt64) -> [EventRemains.Part]? {
        let position = JournalBundle.position(of: index)
        if let remains = seed.remains(at: position) { return remains.parts }
        var deriver = SaltDeriver(seed)
        return deriver.salts(at: position).map { salts in
            (0..<EventSalts.groups).map { .salt(salts.salt(ofGroup: $0)) }
        }
    }

    /// The line of one event. Groups that the reader may not see, or that were destroyed, are shown by their hashes alone,
    /// which is enough for the proof and says nothing else.
    static func line(
        _ view: SealedView, index: UInt64, parts: [EventRemains.Part], visible: Set<FieldGroup>, proof: [TreeHash]
    ) throws -> [UInt8] {
        try line { json in
            json.member("index", Int64(index))
            json.member("kind", Int64(view.kind))
            json.member("class", Int64(view.retentionClass))
            json.member("received_ms", Int64(clamping: view.received.milliseconds))
            try json.member("groups") { json in
                try json.array { json in
                    for (group, part) in zip(FieldGroup.allCases, parts) {
                        try json.object { try write(view.group(group), part, group, visible, to: &$0) }
                    }
                }
            }
            json.member("proof") { json in
                json.array { json in for hash in proof { json.value(Data(hash.bytes).base64EncodedString()) } }
            }
        }
    }

    /// The line after the events: how many there are, and what they do not cover.
    static func trailer(events: Int, coverage: EvidenceCoverage) -> [UInt8] {
        line { json in
            json.member("events", Int64(events))
            json.member("coverage") { coverage.write(to: &$0) }
        }
    }

    /// What the exporter signs: a digest of all lines before the signature's. Two lines, so that no checkpoint and no
    /// receipt can be read from it.
    static func statement(digest: [UInt8]) -> [UInt8] {
        Array("\(name)\nsha256 \(Data(digest).base64EncodedString())\n".utf8)
    }

    /// The last line.
    static func signature(over digest: [UInt8], by signer: any NoteSigner) throws -> [UInt8] {
        let note = try SignedNote(signing: statement(digest: digest), with: signer)
        return line { $0.member("signature", String(decoding: note.bytes, as: UTF8.self)) }
    }

    private static func write(
        _ bytes: UnsafeRawBufferPointer?, _ part: EventRemains.Part, _ group: FieldGroup, _ visible: Set<FieldGroup>,
        to json: inout JSONWriter
    ) throws {
        switch (bytes, part) {
        case (nil, .hash(let hash)):
            json.member("hash", Data(hash.array).base64EncodedString())
        case (let bytes?, .salt(let salt)) where visible.contains(group):
            json.member("salt", Data(salt).base64EncodedString())
            json.member("bytes", Data(bytes).base64EncodedString())
        case (let bytes?, .salt(let salt)):
            let hash = salt.withUnsafeBytes {
                EventCommitment.groupHash(group: group.rawValue, salt: $0, bytes: bytes)
            }
            json.member("hash", Data(hash.bytes).base64EncodedString())
        default:
            throw EventStoreError(.damaged, "the group \(group.name) and its salt do not belong together")
        }
    }

    private static func line(_ members: (inout JSONWriter) throws -> Void) rethrows -> [UInt8] {
        var json = JSONWriter()
        try json.object(members)
        return json.bytes + [UInt8(ascii: "\n")]
    }
}
