/// Some inputs of one operator, in ascending order: a set of small numbers in one word, so that noting a match makes no array.
package struct InputSet: Sequence, Hashable, Sendable {
    /// Inputs are numbered below this.
    package static let maximumInputs = 64

    private var bits: UInt64 = 0

    init() {}

    /// - Precondition: Numbers below ``maximumInputs``.
    init(_ inputs: Int...) {
        for input in inputs { insert(input) }
    }

    /// - Precondition: A number below ``maximumInputs``.
    mutating func insert(_ input: Int) {
        precondition(input < Self.maximumInputs, "an operator has no more inputs than bits of a word")
        bits |= 1 << UInt64(input)
    }

    package var isEmpty: Bool { bits == 0 }
    /// The lowest; nil when there is none.
    package var first: Int? { isEmpty ? nil : bits.trailingZeroBitCount }

    package func contains(_ input: Int) -> Bool { input < Self.maximumInputs && bits >> UInt64(input) & 1 == 1 }

    package struct Iterator: IteratorProtocol {
        fileprivate var bits: UInt64

        package mutating func next() -> Int? {
            guard bits != 0 else { return nil }
            defer { bits &= bits - 1 }
            return bits.trailingZeroBitCount
        }
    }

    package func makeIterator() -> Iterator { Iterator(bits: bits) }
}
