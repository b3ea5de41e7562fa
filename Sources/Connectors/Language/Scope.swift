/// The names that a connector file has used so far: paths become slots, `let` names become variables.
struct Scope {
    private(set) var paths: [PayloadPath] = []
    private var slots: [PayloadPath: Int] = [:]
    /// Shared by the event and its list elements.
    var variables: [String: Int]
    let memory: ProgramMemory

    init(variables: [String: Int] = [:], memory: ProgramMemory = ProgramMemory()) {
        self.variables = variables
        self.memory = memory
    }

    mutating func slot(_ path: PayloadPath) -> Int {
        if let slot = slots[path] { return slot }
        slots[path] = paths.count
        paths.append(path)
        return paths.count - 1
    }

    // MARK: Terms

    /// A term as a file writes it: `=constant`, `text with {path|other} and {optional?}`, `$event`, `$action`,
    /// `$header.NAME`, `$let.NAME`, or a path.
    mutating func term(_ node: ConfigNode) throws -> Term {
        try term(try node.text(), node)
    }

    private mutating func term(_ text: String, _ node: ConfigNode) throws -> Term {
        guard let first = text.first else { throw node.error("an empty text names nothing") }
        if first == "=" { return .constant(memory.keep(text: text.utf8.dropFirst())) }
        if text.contains("{") { return try template(text, node) }
        guard first == "$" else {
            guard let path = PayloadPath(text) else { throw node.error("\"\(text)\" is not a path") }
            return .slot(slot(path))
        }
        switch text {
        case "$event": return .eventType
        case "$action": return .action
        default: break
        }
        if text.hasPrefix("$header.") {
            return .header(memory.keep(text: DeliveryHeaders.lowercased(String(text.dropFirst(8)))))
        }
        if text.hasPrefix("$let.") {
            let name = String(text.dropFirst(5))
            guard let variable = variables[name] else { throw node.error("no name \"\(name)\" under let") }
            return .variable(variable)
        }
        throw node.error("\"\(text)\" is none of $event, $action, $header.NAME, $let.NAME")
    }

    private mutating func template(_ text: String, _ node: ConfigNode) throws -> Term {
        var pieces: [Term.Piece] = []
        var rest = text[...]
        while let open = rest.firstIndex(of: "{") {
            if open > rest.startIndex {
                pieces.append(piece(of: rest[..<open]))
            }
            guard let close = rest[open...].firstIndex(of: "}") else { throw node.error("{ without }") }
            var inside = rest[rest.index(after: open)..<close]
            let isOptional = inside.hasSuffix("?")
            if isOptional { inside = inside.dropLast() }
            var terms: [Term] = []
            for part in inside.split(separator: "|", omittingEmptySubsequences: false) {
                terms.append(try term(String(part), node))
            }
            pieces.append(Term.Piece(terms: memory.keep(terms), isOptional: isOptional))
            rest = rest[rest.index(after: close)...]
        }
        guard !rest.contains("}") else { throw node.error("} without {") }
        if !rest.isEmpty { pieces.append(piece(of: rest)) }
        return .template(memory.keep(pieces))
    }

    private func piece(of text: Substring) -> Term.Piece {
        Term.Piece(terms: memory.keep([.constant(memory.keep(text: text.utf8))]))
    }

    // MARK: Alternatives

    static let alternativeKeys = [
        "from", "is", "when", "map", "default", "lower", "strip", "strip_end", "match", "unit", "header_time", "digest",
        "commit", "until", "after_last", "http_outcome",
    ]

    /// A value: a term, a mapping, or a list of these of which the first with a text counts. An empty list suppresses.
    mutating func alternatives(_ node: ConfigNode) throws -> [Alternative] {
        if node.isNull { return [] }
        var alternatives: [Alternative] = []
        var terms: [Term] = []
        for entry in node.list {
            // Neighbours without conditions are one alternative: long lists of paths are common.
            guard entry.isMapping else {
                terms.append(try term(entry))
                continue
            }
            if !terms.isEmpty { alternatives.append(Alternative(condition: nil, terms: terms, in: memory)) }
            terms = []
            alternatives.append(try alternative(entry))
        }
        if !terms.isEmpty { alternatives.append(Alternative(condition: nil, terms: terms, in: memory)) }
        return alternatives
    }

    private mutating func alternative(_ node: ConfigNode) throws -> Alternative {
        let members = try node.members(Self.alternativeKeys)
        var terms: [Term] = []
        if let from = members["from"] {
            for one in from.list { terms.append(try term(one)) }
        }
        if let constant = members["is"] { terms.append(.constant(memory.keep(text: try constant.text().utf8))) }
        guard !terms.isEmpty else { throw node.error("a value needs \"from\" or \"is\"") }
        return Alternative(
            condition: try members["when"].map { try condition($0) }, terms: terms,
            transforms: try transforms(members),
            timeUnit: try members["unit"].map { try $0.oneOf(EventTime.Unit.self) } ?? .auto,
            isHeaderTime: try members["header_time"].map { try $0.flag() } ?? false, in: memory)
    }

    private mutating func transforms(_ members: [String: ConfigNode]) throws -> [Transform] {
        var transforms: [Transform] = []
        for prefix in members["strip"]?.list ?? [] {
            transforms.append(.stripPrefix(memory.keep(text: try prefix.text().utf8)))
        }
        for suffix in members["strip_end"]?.list ?? [] {
            transforms.append(.stripSuffix(memory.keep(text: try suffix.text().utf8)))
        }
        if let until = members["until"] { transforms.append(.until(memory.keep(text: try until.text().utf8))) }
        if let after = members["after_last"] { transforms.append(.afterLast(memory.keep(text: try after.text().utf8))) }
        if let http = members["http_outcome"], try http.flag() { transforms.append(.httpOutcome) }
        if let match = members["match"] { transforms.append(.capture(try pattern(match))) }
        if let lower = members["lower"], try lower.flag() { transforms.append(.lowercase) }
        if let digest = members["digest"], try digest.flag() { transforms.append(.digest) }
        if let commit = members["commit"], try commit.flag() { transforms.append(.commit) }
        if let map = members["map"] {
            var values: [[UInt8]: [UInt8]] = [:]
            for (key, value) in try map.entries() {
                for name in try key.commaSeparated() {
                    let isNew = values.updateValue(Array(try value.text().utf8), forKey: Array(name.utf8)) == nil
                    guard isNew else { throw key.error("\"\(name)\" stands twice in this map") }
                }
            }
            let otherwise = try members["default"].map { try fallback($0) }
            transforms.append(.map(ValueMap(values, fallback: otherwise, in: memory)))
        } else if let stray = members["default"] {
            throw stray.error("a default belongs to a map")
        }
        return transforms
    }

    /// A map's default is a constant unless it is written as a template or with `$`.
    private mutating func fallback(_ node: ConfigNode) throws -> Term {
        let text = try node.text()
        return text.contains("{") || text.hasPrefix("$") ? try term(node) : .constant(memory.keep(text: text.utf8))
    }

    private func pattern(_ node: ConfigNode) throws -> Unmanaged<Pattern> {
        let text = try node.text()
        do {
            return memory.keep(try Pattern(text))
        } catch {
            throw node.error("not a regular expression: \(error.reason)")
        }
    }

    // MARK: Conditions

    static let conditionKeys = ["has", "lacks", "equals", "begins", "matches", "event", "not", "any"]

    /// A mapping of claims that all hold.
    mutating func condition(_ node: ConfigNode) throws -> Condition {
        var conditions: [Condition] = []
        for (key, value) in try node.entries() {
            switch try key.text() {
            case "has": for one in value.list { conditions.append(.has(try term(one))) }
            case "lacks": for one in value.list { conditions.append(.not(memory.keep([.has(try term(one))]))) }
            case "equals":
                for (name, values) in try value.entries() {
                    conditions.append(.equals(try term(name), try texts(values)))
                }
            case "begins":
                for (name, values) in try value.entries() {
                    conditions.append(.beginsWith(try term(name), try texts(values)))
                }
            case "matches":
                for (name, expression) in try value.entries() {
                    conditions.append(.matches(try term(name), try pattern(expression)))
                }
            case "event": conditions.append(.equals(.eventType, try texts(value)))
            case "not": conditions.append(.not(memory.keep([try condition(value)])))
            case "any":
                var any: [Condition] = []
                for one in value.list { any.append(try condition(one)) }
                conditions.append(.any(memory.keep(any)))
            case let other:
                let allowed = Self.conditionKeys.joined(separator: ", ")
                throw key.error("unknown condition \"\(other)\"; allowed here: \(allowed)")
            }
        }
        guard conditions.count != 1 else { return conditions[0] }
        return .all(memory.keep(conditions))
    }

    private func texts(_ node: ConfigNode) throws -> Kept<Kept<UInt8>> {
        memory.keep(texts: try node.list.map { Array(try $0.text().utf8) })
    }
}
