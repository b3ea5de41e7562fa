/// An event's place in the ledger: dense, assigned once, never reused.
package struct LeafIndex: RawRepresentable, Hashable, Comparable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }
    package init(_ value: UInt64) { self.rawValue = value }

    package static func < (left: LeafIndex, right: LeafIndex) -> Bool { left.rawValue < right.rawValue }
}

extension LeafIndex: CustomStringConvertible {
    package var description: String { String(rawValue) }
}
