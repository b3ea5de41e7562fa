import EventModel
import EventStore
import Foundation
import HTTPTypes
import Journal
import Ledger

/// An evidence pack: events with everything that proves them, in one file of JSON lines. docs/format/evidence.md.
package enum EvidenceFormat {
    package static let name = "custody-evidence/1"
    /// Events of one pack; the next one goes on where it ended.
    package static let maximumEvents = 10_000

    /// The first line.
    static func header(query: String, created: Timestamp, key: VerifierKey, checkpoint: [UInt8], count: Int) -> [UInt8]
    {
        var json = JSONWriter()
        json.object { json in
            json.member("format", name)
            json.member("query", query)
            json.member("created", created.text)
            json.member("vkey", key.description)
            json.member("checkpoint", String(decoding: checkpoint, as: UTF8.self))
            json.member("count", Int64(count))
        }
        return json.bytes + [UInt8(ascii: "\n")]
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
        var json = JSONWriter()
        try json.object { json in
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
        return json.bytes + [UInt8(ascii: "\n")]
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
}
