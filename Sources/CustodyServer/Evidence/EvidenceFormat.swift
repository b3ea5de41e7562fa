import EventModel
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

    /// The line of one event. Groups that the reader may not see are shown by their hashes alone, which is enough for the
    /// proof and says nothing else.
    static func line(
        _ view: SealedView, index: UInt64, salts: EventSalts, visible: Set<FieldGroup>, proof: [TreeHash]
    ) throws -> [UInt8] {
        var json = JSONWriter()
        try json.object { json in
            json.member("index", Int64(index))
            json.member("kind", Int64(view.kind))
            json.member("class", Int64(view.retentionClass))
            json.member("received_ms", Int64(clamping: view.received.milliseconds))
            try json.member("groups") { json in
                try json.array { json in
                    for group in FieldGroup.allCases {
                        guard let bytes = view.group(group) else {
                            throw Problem(.gone, "destroyed", "the event \(index) has been destroyed in part")
                        }
                        let salt = salts.salt(ofGroup: Int(group.rawValue))
                        json.object { json in
                            if visible.contains(group) {
                                json.member("salt", Data(salt).base64EncodedString())
                                json.member("bytes", Data(bytes).base64EncodedString())
                            } else {
                                let hash = salt.withUnsafeBytes {
                                    EventCommitment.groupHash(group: group.rawValue, salt: $0, bytes: bytes)
                                }
                                json.member("hash", Data(hash.bytes).base64EncodedString())
                            }
                        }
                    }
                }
            }
            json.member("proof") { json in
                json.array { json in for hash in proof { json.value(Data(hash.bytes).base64EncodedString()) } }
            }
        }
        return json.bytes + [UInt8(ascii: "\n")]
    }
}
