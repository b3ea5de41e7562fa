/// Where a text comes from.
enum Term: Sendable {
    /// The scalar at a path of the payload.
    case slot(Int)
    case constant([UInt8])
    /// A header of the delivery, its name in lower case.
    case header([UInt8])
    /// The event type.
    case eventType
    /// The action that was mapped.
    case action
    /// A name under `let`.
    case variable(Int)
    case template([Piece])

    struct Piece: Sendable {
        /// The first of these that has a text.
        var terms: [Term]
        /// An optional placeholder that has no text leaves nothing behind; any other makes the template absent.
        var isOptional = false
    }
}

/// What happens to a text after it was found.
enum Transform: Sendable {
    case lowercase
    case stripPrefix([UInt8])
    case stripSuffix([UInt8])
    /// Keeps the first group, or the match; the text is absent when nothing matches.
    case capture(Pattern)
    /// Looks the text up; a text that is not there becomes the default, or is absent.
    case map(ValueMap)
    case digest
    case commit
    /// Keeps what stands before the first of these, or everything when there is none.
    case until([UInt8])
    /// Keeps what stands behind the last of these bytes, or everything when there is none.
    case afterLast([UInt8])
    /// The outcome that a three-digit HTTP status tells; other texts are absent.
    case httpOutcome
}

/// Texts to texts.
struct ValueMap: Sendable {
    private let table: ByteTable
    private let values: [[UInt8]]
    let fallback: Term?

    init(_ values: [[UInt8]: [UInt8]], fallback: Term?) {
        let keys = Array(values.keys)
        table = ByteTable(keys)
        self.values = keys.map { values[$0] ?? [] }
        self.fallback = fallback
    }

    subscript(value: [UInt8]) -> [UInt8]? { table[value].map { values[$0] } }

    /// Everything that the map can give, its constant default included.
    var allValues: [[UInt8]] {
        guard case .constant(let bytes) = fallback else { return values }
        return values + [bytes]
    }
}

/// A claim about a payload.
indirect enum Condition: Sendable {
    case has(Term)
    case equals(Term, [[UInt8]])
    case beginsWith(Term, [[UInt8]])
    case matches(Term, Pattern)
    case not(Condition)
    case all([Condition])
    case any([Condition])
}

/// One way to find a field's value: the first term that has a text, transformed.
final class Alternative: Sendable {
    let condition: Condition?
    let terms: [Term]
    let transforms: [Transform]
    let timeUnit: EventTime.Unit
    /// Says in the event that this time is the delivery's, not the payload's.
    let isHeaderTime: Bool
    /// The slots, when all terms are slots and nothing is done to the text: the common case, kept apart so that it costs
    /// little.
    let plainSlots: [Int]

    init(
        condition: Condition?, terms: [Term], transforms: [Transform] = [], timeUnit: EventTime.Unit = .auto,
        isHeaderTime: Bool = false
    ) {
        self.condition = condition
        self.terms = terms
        self.transforms = transforms
        self.timeUnit = timeUnit
        self.isHeaderTime = isHeaderTime
        let slots = terms.compactMap { if case .slot(let number) = $0 { number } else { nil } }
        plainSlots = slots.count == terms.count && transforms.isEmpty ? slots : []
    }
}
