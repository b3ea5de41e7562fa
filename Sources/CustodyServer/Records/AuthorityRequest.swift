package import EventModel
package import EventStore
import Foundation
import Ledger

/// What approvers sign: one change that destroys, or lets destroy, or says who may approve. docs/retention.md.
///
/// The text of a signed note: the line `custody-approval/v1`, and this as one line of JSON with its members sorted.
package struct AuthorityRequest: Codable, Sendable, Equatable {
    package enum Action: String, Codable, Sendable, CaseIterable {
        case addApprover = "approver.add"
        case removeApprover = "approver.remove"
        case setRetention = "retention.set"
        case releaseHold = "hold.release"
        case redact = "event.redact"
    }

    static let header = "custody-approval/v1"
    /// How long after it was written a request can be used. Long enough to find two people, short enough that a forgotten
    /// one is no key that lies about.
    static let validity: Int64 = 30 * 86_400_000
    /// Milliseconds that the clocks of an approver and the server may differ by.
    static let clockSkew: Int64 = 600_000
    /// Leaves named by one request at most: its record stays far below the journal's limit.
    package static let maximumRanges = 10_000
    /// Events that one request redacts at most: they are looked up one by one, at every start too.
    package static let maximumRedactedEvents: UInt64 = 100_000

    /// The origin of the ledger that it is for.
    package var ledger: String
    package var action: Action
    /// RFC 3339.
    package var created: String
    /// Random: a request is good for one change.
    package var nonce: String
    /// Why; for people.
    package var reason: String?
    /// The approver's key, for `approver.*`.
    package var vkey: String?
    /// The retention class, and after how many days its events go; without days they are kept for ever.
    package var `class`: UInt16?
    package var days: Int?
    /// The leaf of the hold that ends.
    package var hold: UInt64?
    /// The events, as ranges of leaves, both ends included, and the groups that go.
    package var leaves: [[UInt64]]?
    package var groups: [String]?

    package init(ledger: String, action: Action, created: String, nonce: String) {
        self.ledger = ledger
        self.action = action
        self.created = created
        self.nonce = nonce
    }

    /// The text to sign.
    package func text() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array("\(Self.header)\n".utf8) + (try encoder.encode(self)) + [0x0a]
    }

    /// Reads a text that was, or is to be, signed.
    ///
    /// - Throws: ``RecordError`` `malformed`.
    package init(text: [UInt8]) throws {
        let lines = text.split(separator: 0x0a, omittingEmptySubsequences: false)
        guard lines.count == 3, lines[0].elementsEqual(Self.header.utf8), lines[2].isEmpty,
            let request = try? JSONDecoder().decode(AuthorityRequest.self, from: Data(lines[1]))
        else { throw RecordError(.malformed, "this is no request of the form \(Self.header)") }
        self = request
        guard try self.text() == text else {
            throw RecordError(.malformed, "the request has members that are not known, or is not in its one spelling")
        }
    }

    /// The leaves that are named.
    ///
    /// - Throws: ``RecordError`` `malformed`.
    func ranges() throws -> LeafRanges { try LeafRanges(document: leaves) }

    /// - Throws: ``RecordError`` `malformed` for an unknown group, none, or the envelope, which keeps the order and is needed
    ///   to tell what was destroyed.
    func destroyedGroups() throws -> Set<FieldGroup> { try FieldGroup.redactable(groups ?? []) }
}

/// A request or record that is not what it should be.
package struct RecordError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        case malformed
        /// It lacks the signatures that it needs, or was used before, or is too old.
        case unauthorized
        /// A legal hold covers what was to go.
        case held
        /// There is no such hold, approver or event.
        case unknown
    }

    package let code: Code
    package let reason: String

    init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    package var description: String { reason }
}

extension FieldGroup {
    /// Groups to redact, by their names. The payload holds what every group holds, so it goes with any of them.
    package static func redactable(_ names: [String]) throws -> Set<FieldGroup> {
        let groups = try names.map { name in
            guard let group = allCases.first(where: { $0.name == name }), group != .envelope else {
                let known = allCases.dropFirst().map(\.name).joined(separator: ", ")
                throw RecordError(.malformed, "\(name) is no group that can be redacted; there are \(known)")
            }
            return group
        }
        guard !groups.isEmpty else { throw RecordError(.malformed, "no group is named") }
        return Set(groups).union([.raw])
    }
}

extension LeafRanges {
    /// The pairs of a document.
    package init(document pairs: [[UInt64]]?) throws {
        guard let pairs, !pairs.isEmpty, pairs.count <= AuthorityRequest.maximumRanges,
            pairs.allSatisfy({ $0.count == 2 && $0[0] <= $0[1] })
        else { throw RecordError(.malformed, "leaves are pairs of numbers, at most \(AuthorityRequest.maximumRanges)") }
        self.init(ranges: pairs.map { $0[0]...$0[1] })
    }

    package var document: [[UInt64]] { ranges.map { [$0.lowerBound, $0.upperBound] } }
}
