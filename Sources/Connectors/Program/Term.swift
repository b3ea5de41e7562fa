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
}

/// Texts to texts.
struct ValueMap: Sendable {
    private let values: [[UInt8]: [UInt8]]
    let fallback: Term?

    init(_ values: [[UInt8]: [UInt8]], fallback: Term?) {
        self.values = values
        self.fallback = fallback
    }

    subscript(value: [UInt8]) -> [UInt8]? { values[value] }

    /// Everything that the map can give, its constant default included.
    var allValues: [[UInt8]] {
        guard case .constant(let bytes) = fallback else { return Array(values.values) }
        return values.values + [bytes]
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
struct Alternative: Sendable {
    var condition: Condition?
    var terms: [Term]
    var transforms: [Transform] = []
    var timeUnit = EventTime.Unit.auto
    /// Says in the event that this time is the delivery's, not the payload's.
    var isHeaderTime = false
}
