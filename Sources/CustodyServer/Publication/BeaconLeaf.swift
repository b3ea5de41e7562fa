import EventModel
import Ledger

/// The payload of a beacon leaf: a published checkpoint with its cosignatures, as JSON. docs/format/ledger.md, "Beacons".
enum BeaconLeaf {
    /// Names the form in the payload.
    static let format = "custody-beacon/1"

    static func payload(_ signed: SignedCheckpoint) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.member("format", format)
            json.member("checkpoint", String(decoding: signed.note.bytes, as: UTF8.self))
        }
        return json.bytes
    }

    /// The note that a beacon carries.
    ///
    /// - Throws: what reading it throws; ``LedgerError`` `malformed` when it is no beacon.
    static func note(in payload: [UInt8]) throws -> SignedNote {
        let note = try JSONParser(limits: JSONLimits()).withDocument(payload) { value -> [UInt8]? in
            guard value["format"]?.string?.text == format else { return nil }
            return value["checkpoint"]?.string.map { Array($0) }
        }
        guard let note else { throw LedgerError(.malformed, "the beacon carries no checkpoint") }
        return try SignedNote(parsing: note)
    }
}
