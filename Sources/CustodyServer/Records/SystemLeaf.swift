package import EventModel
import Foundation
package import Ledger

/// A leaf that is not an event of a source: what Custody records of sealing, holding and destroying.
///
/// It takes the way of every event (journal, tree, segments), with its document as payload, in the retention class
/// ``EventModel/RetentionClass/records``, which nothing ever removes.
package struct SystemLeaf: Sendable {
    package let index: UInt64
    package let kind: LeafKind
    /// Milliseconds since 1970, as in the leaf's entry.
    package let received: Int64
    package let document: SystemDocument?

    package init(index: UInt64, kind: LeafKind, received: Int64, document: SystemDocument?) {
        self.index = index
        self.kind = kind
        self.received = received
        self.document = document
    }

    /// The leaf of a sealed form; nil for an event.
    package init?(_ view: SealedView, at index: UInt64) {
        guard view.kind != LeafKind.event.rawValue else { return nil }
        self.init(
            index: index, kind: LeafKind(rawValue: view.kind), received: view.received.milliseconds,
            document: view.payload.flatMap { try? JSONDecoder().decode(SystemDocument.self, from: Data($0)) })
    }
}

/// The payload of a system leaf. Which members there are depends on the type; docs/format/records.md lists them.
package struct SystemDocument: Codable, Sendable, Equatable {
    package enum Kind: String, Codable, Sendable {
        case addApprover = "approver.add"
        case removeApprover = "approver.remove"
        case setRetention = "retention.set"
        case destroy = "retention.destroy"
        case addHold = "hold.add"
        case releaseHold = "hold.release"
        case redact = "event.redact"
        case seal = "segment.seal"

        package var leafKind: LeafKind {
            switch self {
            case .addApprover, .removeApprover: .keyChange
            case .setRetention: .retentionPolicy
            case .destroy: .destruction
            case .addHold, .releaseHold: .hold
            case .redact: .redaction
            case .seal: .segmentSeal
            }
        }
    }

    package var type: Kind
    /// The request with its signatures, where authority is needed.
    package var approval: String?
    package var `class`: UInt16?
    package var leaves: [[UInt64]]?
    /// The leaf of the policy that a destruction carries out.
    package var policy: UInt64?
    /// The holds in force when it was decided, by their leaves.
    package var holds: [UInt64]?
    package var name: String?
    package var query: String?
    package var hold: UInt64?
    package var segment: String?
    package var rows: Int?
    /// The header's checksum of the file.
    package var checksum: String?
    /// The digest of the index, 64 hexadecimal digits.
    package var index: String?
    /// Of a record that was appended again after a restore: the proof of what it was.
    package var lost: LostRecord?

    package init(_ type: Kind) { self.type = type }

    func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self))
    }
}
