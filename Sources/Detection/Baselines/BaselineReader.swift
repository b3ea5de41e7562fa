/// Reads the `baseline` of a rule's `custody` block.
struct BaselineReader {
    private static let parts: Set<String> = [
        "type", "per", "of", "learn", "settled", "keep", "forget", "repeat", "at-most", "more-than", "deviations",
        "within", "after", "followed-by", "by", "before", "grace",
    ]
    private static let types = [
        "first-seen", "changed", "unexpected", "rare", "burst", "distinct-burst", "dormant", "missing",
    ]
    private static let day = BaselineDuration.day

    let node: RuleNode
    /// The rule's `custody.group`.
    let group: [String]

    /// - Throws: ``DetectionError`` with the line.
    func read() throws -> any OperatorDefinition {
        guard let pairs = node.mapping else { throw invalid("`custody.baseline` is a mapping", node) }
        if let stranger = pairs.first(where: { !Self.parts.contains($0.key) }) {
            throw invalid("`\(stranger.key)` is not a part of a baseline", stranger.value)
        }
        guard let type = node["type"]?.text, Self.types.contains(type) else {
            throw invalid("a baseline's type is one of \(Self.types.joined(separator: ", "))", node["type"] ?? node)
        }
        if type == "missing" { return try missing() }
        let per = try fields("per")
        let of = try fields("of")
        try check(group, among: (per + of).map(\.name))
        try allow(type)
        let needsValue = !["burst", "dormant"].contains(type)
        guard needsValue ? !of.isEmpty : of.isEmpty else {
            throw invalid(needsValue ? "a baseline of type \(type) has `of`" : "a \(type) has no `of`", node)
        }
        guard needsValue || !per.isEmpty else { throw invalid("a baseline of type \(type) has `per`", node) }
        let kind = try kind(type)
        // Without subjects each value is a subject of its own.
        let isFlat = per.isEmpty && ["first-seen", "rare"].contains(type)
        return BaselineDefinition(
            kind: kind, per: isFlat ? of : per, of: isFlat ? [] : of,
            learn: try duration("learn", default: type == "changed" ? 0 : 14 * Self.day),
            settled: isFlat ? 0 : UInt32(try number("settled", default: settledDefault(type), 0...1_000_000)),
            keep: try number("keep", default: keepDefault(type), 1...BaselineLimits.maximumKeep),
            repeating: try duration("repeat", default: 30 * Self.day), group: group)
    }

    /// Which further parts a type has; the rest would be without effect.
    private func allow(_ type: String) throws {
        var known: Set<String> = ["type", "per", "of", "learn"]
        switch type {
        case "first-seen", "changed", "unexpected": known.formUnion(["settled", "keep", "forget", "repeat"])
        case "rare": known.formUnion(["settled", "keep", "repeat", "at-most"])
        case "burst": known.formUnion(["settled", "within", "more-than", "deviations"])
        case "distinct-burst": known.formUnion(["within", "more-than"])
        case "dormant": known.insert("after")
        default: known.formUnion(["followed-by", "by", "within", "before", "grace"])
        }
        if let stranger = node.mapping?.first(where: { !known.contains($0.key) }) {
            throw invalid("`\(stranger.key)` has no meaning for a baseline of type \(type)", stranger.value)
        }
    }

    private func kind(_ type: String) throws -> BaselineDefinition.Kind {
        switch type {
        case "rare": .rare(atMost: UInt32(try number("at-most", default: 0, 0...1_000)))
        case "burst":
            .burst(
                window: try duration("within"), moreThan: try number("more-than", 1...1_000_000_000),
                deviations: Double(try number("deviations", default: 4, 1...100)))
        case "distinct-burst":
            .distinctBurst(
                window: try duration("within"), moreThan: try number("more-than", 1...BaselineLimits.maximumDistinct))
        case "dormant": .dormant(after: try duration("after"))
        default: .firstSeen(forget: try duration("forget", default: type == "first-seen" ? 90 * Self.day : .max))
        }
    }

    private func settledDefault(_ type: String) -> Int {
        switch type {
        case "changed": 1
        case "unexpected": 3
        case "burst": 12
        default: 20
        }
    }

    private func keepDefault(_ type: String) -> Int {
        switch type {
        case "changed": 8
        case "unexpected": 32
        default: BaselineLimits.keep
        }
    }

    private func missing() throws -> MissingDefinition {
        try allow("missing")
        let per = try texts("per")
        guard !per.isEmpty else { throw invalid("a baseline of type missing has `per`", node) }
        try check(group, among: per)
        guard let followed = node["followed-by"]?.text else {
            throw invalid("`followed-by` names a rule by id or name, or is `itself`", node["followed-by"] ?? node)
        }
        let by = try texts("by")
        guard by.isEmpty || by.count == per.count else {
            throw invalid("`by` has as many fields as `per`, in the same order", node["by"] ?? node)
        }
        let isItself = followed == "itself"
        if isItself, let before = node["before"] ?? node["by"] {
            throw invalid("`before` and `by` have no meaning where a rule follows itself", before)
        }
        return MissingDefinition(
            per: per, follower: isItself ? .itself : .rule(followed, fields: by.isEmpty ? per : by),
            within: try duration("within"), before: try duration("before", default: 0),
            grace: try duration("grace", default: 60_000_000_000), learn: try duration("learn", default: 0),
            group: group)
    }

    // MARK: Parts

    private func texts(_ key: String) throws -> [String] {
        guard let member = node[key] else { return [] }
        let texts = try (member.sequence ?? [member]).map { element in
            guard let text = element.text, !text.isEmpty else { throw invalid("`\(key)` is a list of fields", element) }
            return text
        }
        guard texts.count <= BaselineLimits.fields else {
            throw invalid("`\(key)` has more than \(BaselineLimits.fields) fields", member)
        }
        return texts
    }

    private func fields(_ key: String) throws -> [BaselineField] {
        try texts(key).map { text in
            let parts = text.split(separator: "|", omittingEmptySubsequences: false)
            if parts.count == 1 { return BaselineField(name: text, transform: .none) }
            guard parts.count == 2, ["network", "package"].contains(parts[1]) else {
                throw invalid(
                    "`\(text)`: the modifiers of a baseline's field are network and package", node[key] ?? node)
            }
            return BaselineField(name: String(parts[0]), transform: parts[1] == "network" ? .network : .package)
        }
    }

    private func check(_ group: [String], among names: [String]) throws {
        guard let stranger = group.first(where: { !names.contains($0) }) else { return }
        throw invalid("`custody.group` of a baseline names its own fields, and `\(stranger)` is none of them", node)
    }

    private func duration(_ key: String, default: Int64? = nil) throws -> Int64 {
        guard let member = node[key] else {
            guard let `default` else { throw invalid("the baseline has no `\(key)`", node) }
            return `default`
        }
        let value = try BaselineDuration.read(member, key)
        guard value > 0 || `default` != nil else { throw invalid("`\(key)` is more than nothing", member) }
        return value
    }

    private func number(_ key: String, default: Int? = nil, _ range: ClosedRange<Int>) throws -> Int {
        guard let member = node[key] else {
            guard let `default` else { throw invalid("the baseline has no `\(key)`", node) }
            return `default`
        }
        guard let text = member.text, let value = Int(text), range.contains(value) else {
            throw invalid("`\(key)` is a whole number from \(range.lowerBound) to \(range.upperBound)", member)
        }
        return value
    }

    private func invalid(_ reason: String, _ node: RuleNode) -> DetectionError {
        DetectionError(.invalidRule, reason, line: node.line)
    }
}
