/// What a leaf records. One byte of the leaf's entry.
///
/// A raw value that this version does not name is carried unchanged: its hash verifies like any other.
package struct LeafKind: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// An event of a source.
    package static let event = LeafKind(rawValue: 0)
    /// Groups of an earlier event were destroyed.
    package static let redaction = LeafKind(rawValue: 1)
    /// Payloads of earlier events were destroyed at the end of their retention.
    package static let destruction = LeafKind(rawValue: 2)
    /// A retention policy was set.
    package static let retentionPolicy = LeafKind(rawValue: 3)
    /// A legal hold was placed or lifted.
    package static let hold = LeafKind(rawValue: 4)
    /// A signing or approver key was changed.
    package static let keyChange = LeafKind(rawValue: 5)
    /// A segment was sealed: the digests of its index.
    package static let segmentSeal = LeafKind(rawValue: 6)
    /// A source's own sequence has a hole.
    package static let sourceGap = LeafKind(rawValue: 7)
    /// Outside time: the latest cosignatures, which bound the leaf's time from below.
    package static let beacon = LeafKind(rawValue: 8)

    /// What an operator declared about the signer: its memory was lost, or another log goes on in its place.
    package static let incident = LeafKind(rawValue: 9)

    private static let names = [
        "event", "redaction", "destruction", "retention policy", "hold", "key change", "segment seal", "source gap",
        "beacon", "incident",
    ]

    package var description: String {
        Int(rawValue) < Self.names.count ? Self.names[Int(rawValue)] : "kind \(rawValue)"
    }
}
