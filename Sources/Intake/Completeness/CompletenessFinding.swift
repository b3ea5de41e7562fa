package import EventModel

/// Something that is to be told of a source.
package struct CompletenessFinding: Codable, Hashable, Sendable {
    package enum Kind: Codable, Hashable, Sendable {
        /// Nothing came for longer than expected.
        case quiet(last: Int64?, everySeconds: Int64)
        /// Something came again.
        case resumed(quietSince: Int64)
        case gap(partition: String, first: Int64, last: Int64)
        case filled(partition: String, first: Int64, last: Int64)
        case restarted(partition: String, last: Int64, at: Int64)
    }

    package let source: String
    package let kind: Kind
    /// The moment that it was found at, in nanoseconds: of the ledger's order, not of the wall clock, where an event told it.
    package let time: Int64

    package init(source: String, kind: Kind, time: Timestamp) {
        self.source = source
        self.kind = kind
        self.time = time.rawValue
    }

    /// The same for one finding however often it is made: what makes telling it twice a duplicate.
    package var id: String {
        switch kind {
        case .quiet(let last, _): "quiet:\(source):\(last ?? 0):\(time)"
        case .resumed(let since): "resumed:\(source):\(since)"
        case .gap(let partition, let first, let last): "gap:\(source):\(partition):\(first)-\(last)"
        case .filled(let partition, let first, let last): "filled:\(source):\(partition):\(first)-\(last):\(time)"
        case .restarted(let partition, let last, let at): "restarted:\(source):\(partition):\(last)-\(at):\(time)"
        }
    }
}
