internal import EventModel

// Everything here lies in the program's memory and is copied bit by bit.

/// Where a text comes from.
enum Term: BitwiseCopyable, Sendable {
    /// The scalar at a path of the payload.
    case slot(Int)
    case constant(Kept<UInt8>)
    /// A header of the delivery, its name in lower case.
    case header(Kept<UInt8>)
    /// The event type.
    case eventType
    /// The action that was mapped.
    case action
    /// A name under `let`.
    case variable(Int)
    case template(Kept<Piece>)

    struct Piece: BitwiseCopyable, Sendable {
        /// The first of these that has a text.
        var terms: Kept<Term>
        /// An optional placeholder that has no text leaves nothing behind; any other makes the template absent.
        var isOptional = false
    }
}

/// What happens to a text after it was found.
enum Transform: BitwiseCopyable, Sendable {
    case lowercase
    case stripPrefix(Kept<UInt8>)
    case stripSuffix(Kept<UInt8>)
    /// Keeps the first group, or the match; the text is absent when nothing matches.
    case capture(Unmanaged<Pattern>)
    /// Looks the text up; a text that is not there becomes the default, or is absent.
    case map(ValueMap)
    case digest
    case commit
    /// Keeps what stands before the first of these, or everything when there is none.
    case until(Kept<UInt8>)
    /// Keeps what stands behind the last of these bytes, or everything when there is none.
    case afterLast(Kept<UInt8>)
    /// The outcome that a three-digit HTTP status tells; other texts are absent.
    case httpOutcome
}

/// Texts to texts.
struct ValueMap: BitwiseCopyable, Sendable {
    private let table: Unmanaged<SharedTable>
    private let values: Kept<Kept<UInt8>>
    let fallback: Term?

    private final class SharedTable: Sendable {
        let table: ByteTable
        init(_ table: ByteTable) { self.table = table }
    }

    init(_ texts: [[UInt8]: [UInt8]], fallback: Term?, in memory: ProgramMemory) {
        let keys = Array(texts.keys)
        table = memory.keep(SharedTable(ByteTable(keys)))
        values = memory.keep(texts: keys.map { texts[$0] ?? [] })
        self.fallback = fallback
    }

    subscript(value: [UInt8]) -> Kept<UInt8>? {
        table._withUnsafeGuaranteedRef { $0.table[value] }.map { values[$0] }
    }

    /// Everything that the map can give, its constant default included.
    var allValues: [Kept<UInt8>] {
        guard case .constant(let text) = fallback else { return Array(values) }
        return values + [text]
    }
}

/// A claim about a payload.
enum Condition: BitwiseCopyable, Sendable {
    case has(Term)
    case equals(Term, Kept<Kept<UInt8>>)
    case beginsWith(Term, Kept<Kept<UInt8>>)
    case matches(Term, Unmanaged<Pattern>)
    /// That this one does not hold.
    case not(Kept<Condition>)
    case all(Kept<Condition>)
    case any(Kept<Condition>)
}

/// One way to find a field's value: the first term that has a text, transformed.
struct Alternative: BitwiseCopyable, Sendable {
    let condition: Condition?
    let terms: Kept<Term>
    let transforms: Kept<Transform>
    let timeUnit: EventTime.Unit
    /// Says in the event that this time is the delivery's, not the payload's.
    let isHeaderTime: Bool
    /// The slots, when all terms are slots and nothing is done to the text: the common case, kept apart so that it costs
    /// little.
    let plainSlots: Kept<Int>

    init(
        condition: Condition?, terms: [Term], transforms: [Transform] = [], timeUnit: EventTime.Unit = .auto,
        isHeaderTime: Bool = false, in memory: ProgramMemory
    ) {
        self.condition = condition
        self.terms = memory.keep(terms)
        self.transforms = memory.keep(transforms)
        self.timeUnit = timeUnit
        self.isHeaderTime = isHeaderTime
        let slots = terms.compactMap { if case .slot(let number) = $0 { number } else { nil } }
        plainSlots = slots.count == terms.count && transforms.isEmpty ? memory.keep(slots) : Kept()
    }
}
