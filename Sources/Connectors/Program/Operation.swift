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
struct Operation: Sendable {
    var target: Target
    var alternatives: [Alternative]
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
struct Section: Sendable {
    var variables: [Operation] = []
    var operations: [Operation] = []
    var lists: [ListOperation] = []
}

/// A compiled connector.
struct Program: Sendable {
    var paths: PathTrie
    /// Slots at which the event itself may lie inside what a collector put around it.
    var wrappers: [PayloadPath] = []
    var eventType: [Alternative] = []
    var delivery: [Alternative] = []
    var variableCount = 0
    var common = Section()
    var sections: [Section] = []
    /// Event types (or their beginnings) to sections.
    var exact: [[UInt8]: Int] = [:]
    var prefixes: [(prefix: [UInt8], section: Int)] = []
    /// Whether a delivery without an id is known by its content.
    var usesContentAsKey = false

    func section(for eventType: [UInt8]) -> Section {
        if !exact.isEmpty, let section = exact[eventType] { return sections[section] }
        for (prefix, section) in prefixes where eventType.starts(with: prefix) { return sections[section] }
        return common
    }
}
