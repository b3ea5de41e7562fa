/// What takes the place of an event's key when some of its groups were destroyed: the salts of the groups that are still
/// there, and the hashes of those that are not, which say nothing about what was hashed because their salts are gone.
///
/// Enough to compute the event's root again, so that what remains still verifies. (Architecture, "The leaf".)
package struct EventRemains: Sendable, Hashable {
    /// Of one group.
    package enum Part: Sendable, Hashable {
        /// The group is there; its salt, 16 bytes.
        case salt([UInt8])
        /// The group was destroyed; its hash.
        case hash(Bytes32)
    }

    /// The event's position in its bundle.
    package let position: UInt8
    /// One for each group, in their order.
    package let parts: [Part]

    /// - Returns: nil unless there are six parts, at least one of them a hash, and salts of 16 bytes.
    package init?(position: UInt8, parts: [Part]) {
        var destroyed = 0
        for part in parts {
            switch part {
            case .salt(let salt): guard salt.count == EventSalts.saltBytes else { return nil }
            case .hash: destroyed += 1
            }
        }
        guard parts.count == EventSalts.groups, destroyed > 0 else { return nil }
        self.position = position
        self.parts = parts
    }
}

extension EventRemains: CustomStringConvertible, CustomDebugStringConvertible {
    /// Never the salts.
    package var description: String { "the remains of position \(position)" }
    package var debugDescription: String { description }
}
