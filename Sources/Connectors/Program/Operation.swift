internal import EventModel

/// What to do with a value.
enum Target: BitwiseCopyable, Sendable {
    case field(Field)
    /// `ext.KEY`: the key and the zero byte behind it.
    case ext(Kept<UInt8>)
    case variable(Int)
    case warning
    /// An image reference, taken apart into an artifact's name, tag, digest and package URL.
    case image
}

/// Sets a target to the first alternative that has a value.
struct Operation: BitwiseCopyable, Sendable {
    let target: Target
    let alternatives: Kept<Alternative>
    /// What the payload alone tells; nil when no header is asked.
    private let beforeHeaders: Kept<Alternative>?
    /// Whether any text will do as it stands; looked up once instead of for every event.
    let takesAnyText: Bool

    init(target: Target, alternatives: [Alternative], in memory: ProgramMemory) {
        self.target = target
        self.alternatives = memory.keep(alternatives)
        beforeHeaders = alternatives.beforeHeaders(in: memory).map { memory.keep($0) }
        if case .field(let field) = target {
            let isHash = field == .vcsCommit || field == .vcsBefore || field == .artifactDigest
            takesAnyText = field.type == .text && Vocabulary.members(of: field) == nil && !isHash
        } else {
            takesAnyText = false
        }
    }

    private init(_ operation: Operation, alternatives: Kept<Alternative>) {
        target = operation.target
        self.alternatives = alternatives
        beforeHeaders = nil
        takesAnyText = operation.takesAnyText
    }

    /// The same of what the payload alone tells; nil when no header is asked.
    var withoutHeaders: Operation? { beforeHeaders.map { Operation(self, alternatives: $0) } }
}

/// Adds members to `targets[]`, `artifact[]`, `client.chain[]` or `corr.links[]`.
struct ListOperation: Sendable {
    var list: Field
    var condition: Condition?
    /// The array to go through; nil adds one member from the event itself.
    var each: Int?
    var skip = 0
    /// Inside `each`: the paths of an element.
    var element: PathTrie?
    var operations: [Operation]
}

/// What is done for one event type: the section's operations before the common ones.
final class Section: Sendable {
    /// Those that set names under `let`, before all others.
    let operations: Kept<Operation>
    let lists: [ListOperation]
    /// Which of these, first operations, then lists, can do something.
    let needs: Needs

    init(operations: [Operation], lists: [ListOperation], slotCount: Int, in memory: ProgramMemory) {
        self.operations = memory.keep(operations)
        self.lists = lists
        needs = Needs(operations.map(\.triggers) + lists.map(\.triggers), slotCount: slotCount)
    }
}

/// The slots without which operations can do nothing, by slot: of the hundreds of operations that a connector knows, a payload
/// concerns a few dozen.
struct Needs: Sendable {
    /// The words of one set of operations.
    private let words: Int
    /// Those that may do something whatever the payload holds.
    private var always: [UInt64]
    /// For each slot, the operations that need it or others.
    private var bySlot: [UInt64]

    init(_ triggers: [[Int]?], slotCount: Int) {
        words = (triggers.count + 63) / 64
        always = Array(repeating: 0, count: words)
        bySlot = Array(repeating: 0, count: words * slotCount)
        for (number, slots) in triggers.enumerated() {
            let (word, bit) = (number >> 6, UInt64(1) << UInt64(number & 63))
            guard let slots else {
                always[word] |= bit
                continue
            }
            for slot in slots { bySlot[slot * words + word] |= bit }
        }
    }

    /// Puts the set of those that can do something into `met`.
    func find(_ touched: UnsafeBufferPointer<Int>, into met: inout [UInt64]) {
        met.removeAll(keepingCapacity: true)
        met.append(contentsOf: always)
        for slot in touched {
            for word in 0..<words { met[word] |= bySlot[slot * words + word] }
        }
    }
}

/// A compiled connector.
final class Program: Sendable {
    let paths: PathTrie
    /// Where the event itself may lie inside what a collector put around it.
    let wrappers: [PayloadPath]
    let wrapperSlots: Kept<Int>
    let eventType: Kept<Alternative>
    /// What the payload alone tells; nil when the event type asks no header.
    let eventTypeWithoutHeaders: Kept<Alternative>?
    let delivery: Kept<Alternative>
    let variableCount: Int
    /// Whether a delivery without an id is known by its content.
    let usesContentAsKey: Bool
    private let common: Section
    private let sections: SectionTable
    /// Holds everything that the others point to.
    private let memory: ProgramMemory

    init(
        paths: PathTrie, wrappers: [(path: PayloadPath, slot: Int)], eventType: [Alternative], delivery: [Alternative],
        variableCount: Int, usesContentAsKey: Bool, common: Section, sections: SectionTable, memory: ProgramMemory
    ) {
        self.paths = paths
        self.wrappers = wrappers.map(\.path)
        wrapperSlots = memory.keep(wrappers.map(\.slot))
        self.eventType = memory.keep(eventType)
        eventTypeWithoutHeaders = eventType.beforeHeaders(in: memory).map { memory.keep($0) }
        self.delivery = memory.keep(delivery)
        self.variableCount = variableCount
        self.usesContentAsKey = usesContentAsKey
        self.common = common
        self.sections = sections
        self.memory = memory
    }

    func section(for eventType: [UInt8]) -> Section { sections[eventType] ?? common }

    /// The fields, and names of `ext`, for which some event type asks a header.
    var headerTargets: [Target] {
        ([common] + sections.all).flatMap(\.operations).filter { $0.withoutHeaders != nil }.map(\.target)
    }
}

/// Event types (or their beginnings) to sections.
struct SectionTable: Sendable {
    private let exact: ByteTable?
    private let exactSections: [Section]
    private let prefixes: [(prefix: [UInt8], section: Section)]

    /// - Parameter sections: Each with its types; those that end in `*` are beginnings.
    init(_ sections: [(types: [String], section: Section)]) {
        var exact: [[UInt8]] = []
        var exactSections: [Section] = []
        var prefixes: [(prefix: [UInt8], section: Section)] = []
        for (types, section) in sections {
            for type in types {
                if type.hasSuffix("*") {
                    prefixes.append((Array(type.utf8.dropLast()), section))
                } else {
                    exact.append(Array(type.utf8))
                    exactSections.append(section)
                }
            }
        }
        self.exact = exact.isEmpty ? nil : ByteTable(exact)
        self.exactSections = exactSections
        self.prefixes = prefixes
    }

    var all: [Section] { exactSections + prefixes.map(\.section) }

    subscript(eventType: [UInt8]) -> Section? {
        if let number = exact?[eventType] { return exactSections[number] }
        for (prefix, section) in prefixes where eventType.starts(with: prefix) { return section }
        return nil
    }
}
