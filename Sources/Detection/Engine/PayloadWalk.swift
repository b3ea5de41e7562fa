import EventModel

/// What one walk over an event has found of a field: the head of a chain of values.
struct FoundField: BitwiseCopyable {
    /// Of the event that it was found in.
    var stamp: UInt64 = 0
    var head: Int32 = -1
    var tail: Int32 = -1
    /// The spelling that was found: the lower the better.
    var rank: Int16 = 0
    /// How its name was split.
    var mask: UInt16 = 0
    /// Whether the payload has the name in several splits; the exact look-up decides then.
    var isAmbiguous = false
    /// Whether the chain is one of canonical values.
    var isCanonical = false
}

/// A value of a payload in a field's chain.
struct PayloadHit: BitwiseCopyable {
    /// Nothing: memory that no walk has written yet.
    static var none: PayloadHit { PayloadHit() }

    private let stored: JSONValue?
    var next: Int32
    /// As ``ValueCache`` has it; 0 where it was not computed yet.
    var hash: UInt64 = 0

    private init() {
        stored = nil
        next = -1
    }

    init(_ value: JSONValue, next: Int32) {
        stored = value
        self.next = next
    }

    /// - Precondition: A walk wrote it.
    @inline(__always)
    var value: JSONValue {
        guard let stored else { preconditionFailure("a chain leads to values only") }
        return stored
    }
}

/// A value of a canonical field in a field's chain; it borrows the sealed form.
struct CanonicalHit: BitwiseCopyable {
    static var none: CanonicalHit { CanonicalHit(start: nil, count: 0, isTime: false, next: -1) }

    let start: UnsafeRawPointer?
    let count: Int
    let isTime: Bool
    var next: Int32
    /// As ``ValueCache`` has it; 0 where it was not computed yet.
    var hash: UInt64 = 0

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }
}

/// One pass over a payload that finds all fields of a program.
struct PayloadWalk {
    /// Keys that are compared without regard to case are folded here; longer ones are nobody's names.
    private static let maximumFoldedKey = 128

    let automaton: FieldAutomaton
    let stamp: UInt64
    let found: UnsafeMutablePointer<FoundField>
    let touched: UnsafeMutablePointer<Int32>
    private(set) var touchedCount = 0
    private let hits: GrowingArray<PayloadHit>
    private var base: UnsafeMutablePointer<PayloadHit>
    private(set) var hitCount = 0

    /// - Parameters:
    ///   - found: One place for each field.
    ///   - touched: Room for the numbers of all fields.
    init(
        _ automaton: FieldAutomaton, stamp: UInt64, found: UnsafeMutablePointer<FoundField>,
        touched: UnsafeMutablePointer<Int32>, hits: GrowingArray<PayloadHit>
    ) {
        self.automaton = automaton
        self.stamp = stamp
        self.found = found
        self.touched = touched
        self.hits = hits
        base = hits.base
    }

    mutating func visit(_ value: JSONValue, _ node: Int) {
        switch value.kind {
        case .object:
            let ignoresCase = automaton.ignoresCase(node)
            for member in value.members {
                if let edge = automaton.edge(node, member.key) { follow(edge, member.value) }
                if ignoresCase { visitFolded(member.key, member.value, node) }
            }
        // Arrays on the way are crossed.
        case .array: for element in value.elements where element.isContainer { visit(element, node) }
        default: break
        }
    }

    private mutating func visitFolded(_ key: UnsafeRawBufferPointer, _ value: JSONValue, _ node: Int) {
        guard key.count <= Self.maximumFoldedKey else { return }
        let edge = withUnsafeTemporaryAllocation(byteCount: Self.maximumFoldedKey, alignment: 8) { folded in
            for place in 0..<key.count { folded[place] = CaseFolding.fold(key[place]) }
            return automaton.foldedEdge(node, UnsafeRawBufferPointer(rebasing: folded[..<key.count]))
        }
        if let edge { follow(edge, value) }
    }

    private mutating func follow(_ edge: FieldAutomaton.Edge, _ value: JSONValue) {
        for number in Int(edge.firstEnding)..<Int(edge.firstEnding + edge.endingCount) {
            let ending = automaton.ending(number)
            record(value, field: Int(ending.field), rank: ending.rank, mask: ending.mask)
        }
        if edge.child >= 0, value.isContainer { visit(value, Int(edge.child)) }
    }

    mutating func record(_ value: JSONValue, field: Int, rank: Int16, mask: UInt16) {
        if found[field].stamp == stamp {
            guard rank <= found[field].rank else { return }
            if rank == found[field].rank {
                if mask != found[field].mask { found[field].isAmbiguous = true }
                let place = append(value)
                base[Int(found[field].tail)].next = place
                found[field].tail = place
                return
            }
        } else {
            touched[touchedCount] = Int32(field)
            touchedCount += 1
        }
        let place = append(value)
        found[field] = FoundField(stamp: stamp, head: place, tail: place, rank: rank, mask: mask)
    }

    private mutating func append(_ value: JSONValue) -> Int32 {
        if hitCount == hits.capacity {
            hits.reserve(hitCount + 1, filling: .none)
            base = hits.base
        }
        base[hitCount] = PayloadHit(value, next: -1)
        hitCount += 1
        return Int32(hitCount - 1)
    }
}
