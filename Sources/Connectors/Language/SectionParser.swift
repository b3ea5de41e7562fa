internal import EventModel

/// Reads the parts of a connector file that say what becomes of an event: `let`, `fields`, `ext`, lists and warnings, at
/// the top level and again for single event types.
struct SectionParser {
    static let keys = ["let", "fields", "ext", "targets", "artifacts", "chain", "links", "warn"]

    /// What one part of a file says, before a section is merged with the common part.
    struct Draft {
        var variables: [(name: String, alternatives: [Alternative])] = []
        var fields: [(name: String, target: Target, alternatives: [Alternative])] = []
        var warnings: [Operation] = []
        var lists: [ListOperation] = []
    }

    var scope = Scope()

    /// Fields that intake owns; a connector cannot set them.
    static let intakeFields: Set<Field> = [
        .schema, .id, .timeBasis, .received, .sourceName, .sourceKind, .sourceEventType, .sourceDelivery,
        .sourceVerified, .payloadSHA256, .payloadType, .payloadSize, .payloadPart, .normVersion, .normOverlay,
        .normWarnings, .ext,
    ]

    mutating func draft(_ members: [String: ConfigNode]) throws -> Draft {
        var draft = Draft()
        for (key, value) in try members["let"]?.entries() ?? [] {
            let name = try key.text()
            // The name exists only behind its own value: a name cannot refer to itself.
            let alternatives = try scope.alternatives(value)
            if scope.variables[name] == nil { scope.variables[name] = scope.variables.count }
            draft.variables.append((name, alternatives))
        }
        for (key, value) in try members["fields"]?.entries() ?? [] {
            let path = try key.text()
            guard let field = Field(path: path) else { throw key.error("no field \"\(path)\" in the schema") }
            guard !Self.intakeFields.contains(field) else { throw key.error("\(path) is not for connectors to set") }
            guard !field.isList else { throw key.error("\(path) is a list; see targets, artifacts, chain, links") }
            let alternatives = try scope.alternatives(value)
            try Self.check(alternatives, field, value)
            draft.fields.append((path, .field(field), alternatives))
        }
        for (key, value) in try members["ext"]?.entries() ?? [] {
            let name = try key.text()
            guard !name.isEmpty, name.utf8.allSatisfy({ $0 > 0x20 }) else { throw key.error("not a name for ext") }
            draft.fields.append(
                ("ext." + name, .ext(scope.memory.keep(text: name.utf8 + [0])), try scope.alternatives(value)))
        }
        for entry in members["warn"]?.list ?? [] {
            draft.warnings.append(
                Operation(target: .warning, alternatives: try scope.alternatives(entry), in: scope.memory))
        }
        try list(members["targets"], .targetsName, Self.targetMembers, &draft)
        try list(members["artifacts"], .artifactName, Self.artifactMembers, &draft)
        try list(members["chain"], .clientChain, ["value": .clientChain], &draft)
        try list(members["links"], .corrLinks, ["value": .corrLinks], &draft)
        return draft
    }

    static let targetMembers: [String: Field] = [
        "type": .targetsType, "id": .targetsID, "name": .targetsName, "parent": .targetsParent, "url": .targetsURL,
    ]
    static let artifactMembers: [String: Field] = [
        "name": .artifactName, "purl": .artifactPURL, "digest": .artifactDigest, "tag": .artifactTag,
        "media_type": .artifactMediaType, "size": .artifactSize,
    ]

    static let listKeys = ["when", "each", "skip"]

    private mutating func list(
        _ node: ConfigNode?, _ list: Field, _ members: [String: Field], _ draft: inout Draft
    ) throws {
        for entry in node?.list ?? [] {
            let allowed = Self.listKeys + members.keys.sorted() + (list == .artifactName ? ["image"] : [])
            let parts = try entry.members(allowed)
            var operation = ListOperation(list: list, operations: [])
            operation.condition = try parts["when"].map { try scope.condition($0) }
            operation.skip = try parts["skip"].map { try $0.integer(0...64) } ?? 0
            // Inside `each`, paths start at the element; names under `let` stay in sight.
            var inner = scope
            if let each = parts["each"] {
                guard let path = PayloadPath(try each.text()) else { throw each.error("not a path") }
                operation.each = scope.slot(path)
                inner = Scope(variables: scope.variables, memory: scope.memory)
            }
            if let image = parts["image"] {
                operation.operations.append(
                    Operation(target: .image, alternatives: try inner.alternatives(image), in: scope.memory))
            }
            for (name, field) in members.sorted(by: { $0.value.rawValue < $1.value.rawValue }) {
                guard let value = parts[name] else { continue }
                let alternatives = try inner.alternatives(value)
                try Self.check(alternatives, field, value)
                operation.operations.append(
                    Operation(target: .field(field), alternatives: alternatives, in: scope.memory))
            }
            guard !operation.operations.isEmpty else { throw entry.error("this list entry sets nothing") }
            if operation.each != nil {
                operation.element = PathTrie(inner.paths)
            } else {
                scope = inner
            }
            draft.lists.append(operation)
        }
    }

    /// Constants and map values must be members of the field's vocabulary.
    private static func check(_ alternatives: [Alternative], _ field: Field, _ node: ConfigNode) throws {
        guard let members = Vocabulary.members(of: field) else { return }
        func check(_ kept: Kept<UInt8>) throws {
            let text = String(decoding: kept, as: UTF8.self)
            guard members.contains(text) else {
                throw node.error(
                    "\"\(text)\" is no value of \(field.path); its values: \(members.sorted().joined(separator: ", "))")
            }
        }
        for alternative in alternatives {
            var hasMap = false
            for case .map(let map) in alternative.transforms {
                hasMap = true
                for value in map.allValues { try check(value) }
            }
            guard !hasMap else { continue }
            for case .constant(let text) in alternative.terms { try check(text) }
        }
    }

    /// Puts a section's values before the common ones.
    func merged(_ section: Draft, over common: Draft) -> Section {
        var variables = common.variables
        for (name, alternatives) in section.variables {
            if let position = variables.firstIndex(where: { $0.name == name }) {
                variables[position].alternatives = alternatives + variables[position].alternatives
            } else {
                variables.append((name, alternatives))
            }
        }
        let named = variables.map {
            Operation(
                target: .variable(scope.variables[$0.name] ?? 0), alternatives: $0.alternatives, in: scope.memory)
        }
        var fields = common.fields
        for (name, target, alternatives) in section.fields {
            if let position = fields.firstIndex(where: { $0.name == name }) {
                let rest = alternatives.isEmpty ? [] : fields[position].alternatives
                fields[position].alternatives = alternatives + rest
            } else {
                fields.append((name, target, alternatives))
            }
        }
        let operations =
            fields.filter { !$0.alternatives.isEmpty }
            .sorted { $0.target.order < $1.target.order }
            .map { Operation(target: $0.target, alternatives: $0.alternatives, in: scope.memory) }
        return Section(
            operations: named + operations + section.warnings + common.warnings,
            lists: section.lists + common.lists, slotCount: scope.paths.count, in: scope.memory)
    }
}

extension Target {
    /// The order of the sealed form, so that records need little sorting.
    fileprivate var order: Int {
        switch self {
        case .field(let field): Int(field.rawValue)
        default: 256
        }
    }
}
