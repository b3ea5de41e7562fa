internal import EventModel

/// What to do with a value.
enum Target: Sendable {
    case field(Field)
    /// `ext.KEY`.
    case ext([UInt8])
    case variable(Int)
    case warning
    /// An image reference, taken apart into an artifact's name, tag, digest and package URL.
    case image
}

/// Sets a target to the first alternative that has a value.
final class Operation: Sendable {
    let target: Target
    let alternatives: [Alternative]
    /// Whether any text will do as it stands; looked up once instead of for every event.
    let takesAnyText: Bool

    init(target: Target, alternatives: [Alternative]) {
        self.target = target
        self.alternatives = alternatives
        if case .field(let field) = target {
            let isHash = field == .vcsCommit || field == .vcsBefore || field == .artifactDigest
            takesAnyText = field.type == .text && Vocabulary.members(of: field) == nil && !isHash
        } else {
            takesAnyText = false
        }
    }
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
    let variables: [Operation]
    let operations: [Operation]
    let lists: [ListOperation]
    /// What each of these needs, in the same order.
    let variableNeeds: Needs
    let operationNeeds: Needs
    let listNeeds: Needs

    init(variables: [Operation], operations: [Operation], lists: [ListOperation], slotCount: Int) {
        self.variables = variables
        self.operations = operations
        self.lists = lists
        variableNeeds = Needs(variables.map(\.triggers), slotCount: slotCount)
        operationNeeds = Needs(operations.map(\.triggers), slotCount: slotCount)
        listNeeds = Needs(lists.map(\.triggers), slotCount: slotCount)
    }
}

/// The slots without which operations can do nothing.
struct Needs: Sendable {
    private var masks: SlotMasks
    private var always: [Bool] = []

    init(_ triggers: [[Int]?], slotCount: Int) {
        masks = SlotMasks(slotCount: slotCount)
        for slots in triggers {
            masks.append(slots ?? [])
            always.append(slots == nil)
        }
    }

    @inline(__always)
    func areMet(_ number: Int, _ present: [UInt64]) -> Bool { always[number] || masks.intersects(number, present) }
}

/// A compiled connector.
struct Program: Sendable {
    var paths: PathTrie
    /// Slots at which the event itself may lie inside what a collector put around it.
    var wrappers: [PayloadPath] = []
    var eventType: [Alternative] = []
    var delivery: [Alternative] = []
    var variableCount = 0
    var common: Section
    var sections: [Section] = []
    /// Event types (or their beginnings) to sections.
    var exact: ByteTable?
    var exactSections: [Int] = []
    var prefixes: [(prefix: [UInt8], section: Int)] = []
    /// Whether a delivery without an id is known by its content.
    var usesContentAsKey = false

    func section(for eventType: [UInt8]) -> Section {
        if let number = exact?[eventType] { return sections[exactSections[number]] }
        for (prefix, section) in prefixes where eventType.starts(with: prefix) { return sections[section] }
        return common
    }
}
