/// A node of a rule's YAML with its line, aliases and merge keys resolved.
struct RuleNode: Sendable {
    enum Content: Sendable {
        case scalar(CoreScalar)
        case sequence([RuleNode])
        case mapping([(key: String, value: RuleNode)])
    }

    let content: Content
    /// The line in the file, from 1.
    let line: Int

    /// A scalar as text, whatever its type; nil for null and for collections.
    var text: String? {
        guard case .scalar(let scalar) = content else { return nil }
        return scalar.text
    }

    var isNull: Bool {
        if case .scalar(.null) = content { return true }
        return false
    }

    var mapping: [(key: String, value: RuleNode)]? {
        if case .mapping(let pairs) = content { return pairs }
        return nil
    }

    var sequence: [RuleNode]? {
        if case .sequence(let nodes) = content { return nodes }
        return nil
    }

    subscript(key: String) -> RuleNode? { mapping?.first { $0.key == key }?.value }
}

/// A YAML scalar typed by the core schema of YAML 1.2 (§10.3.2), in which `no`, `on`, `12:30` and `1_000` are text.
enum CoreScalar: Hashable, Sendable {
    case null
    case boolean(Bool)
    case number(RuleNumber)
    case string(String)

    init(plain text: String) {
        switch text {
        case "", "~", "null", "Null", "NULL": self = .null
        case "true", "True", "TRUE": self = .boolean(true)
        case "false", "False", "FALSE": self = .boolean(false)
        default:
            if let number = RuleNumber(coreSchema: text) {
                self = .number(number)
            } else {
                self = .string(text)
            }
        }
    }

    /// The text that an event's value is compared with; nil for null.
    var text: String? {
        switch self {
        case .null: nil
        case .boolean(let value): value ? "true" : "false"
        case .number(let number): number.text
        case .string(let text): text
        }
    }
}
