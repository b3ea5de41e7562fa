import EventModel

/// Finds the values of Kubernetes Secrets, which no name gives away: `data` and `stringData` of objects of kind `Secret`, also
/// in lists, and in the requests and responses of audit events about the resource `secrets`, whose patches name no kind.
struct KubernetesSecrets {
    private let text: UnsafeRawBufferPointer
    /// Whether this walks over something that is known to be a Secret or a list of them, for another walk. Such a walk starts
    /// no further ones: a hostile document would double the work with each level.
    private let isInner: Bool
    private(set) var ranges: [Range<Int>] = []

    /// Deeper documents are refused elsewhere; this bounds the recursion whatever is handed in.
    private static let maximumDepth = 200

    /// The members of which the content may have to be hidden, and how deep they may lie in each other for their content to be
    /// looked at once more at each level. Real Secrets lie two deep: a list in a response.
    private static let candidates: [StaticString] = [
        "data", "stringData", "items", "metadata", "requestObject", "responseObject",
    ]
    private static let maximumNesting = 6
    private var nesting = 0

    /// What one object told about itself.
    private struct Members {
        var isSecret = false
        var isAboutSecrets = false
        var hidden: [Int] = []
        var bodies: [Int] = []
    }

    /// Whether a word makes a walk worth its while.
    static func isMentioned(_ word: UnsafeRawBufferPointer) -> Bool {
        word.hasSameBytes(as: "Secret") || word.hasSameBytes(as: "SecretList") || word.hasSameBytes(as: "secrets")
    }

    init(in text: UnsafeRawBufferPointer) {
        self.text = text
        isInner = false
        var position = 0
        skipSpaces(&position)
        _ = value(at: &position, isSecret: false, depth: 0)
    }

    /// Walks over one value. Returns whether it is an object whose `resource` is `secrets` (an audit event's `objectRef`).
    private mutating func value(at position: inout Int, isSecret: Bool, depth: Int) -> Bool {
        guard position < text.count, depth < Self.maximumDepth else {
            position = text.count
            return false
        }
        switch text[position] {
        case UInt8(ascii: "{"): return object(at: &position, isSecret: isSecret, depth: depth)
        case UInt8(ascii: "["):
            position += 1
            while position < text.count {
                skipSpaces(&position)
                guard position < text.count, text[position] != UInt8(ascii: "]") else { break }
                _ = value(at: &position, isSecret: isSecret, depth: depth + 1)
                skipTo(&position, UInt8(ascii: ","), orBefore: UInt8(ascii: "]"))
            }
            position += 1
        case UInt8(ascii: "\""): position = NamedValue.closingQuote(text, position + 1, level: 0) + 1
        default:
            while position < text.count, !CharacterClass.endsValue(text[position]), text[position] != UInt8(ascii: "]")
            {
                position += 1
            }
        }
        return false
    }

    private mutating func object(at position: inout Int, isSecret: Bool, depth: Int) -> Bool {
        var members = Members()
        members.isSecret = isSecret
        var resourceIsSecrets = false
        position += 1
        while position < text.count {
            skipSpaces(&position)
            guard position < text.count, text[position] == UInt8(ascii: "\"") else { break }
            let keyEnd = NamedValue.closingQuote(text, position + 1, level: 0)
            let key = text.slice(min(position + 1, keyEnd)..<keyEnd)
            position = keyEnd
            skipTo(&position, UInt8(ascii: ":"), orBefore: UInt8(ascii: "}"))
            skipSpaces(&position)
            guard position < text.count else { break }
            let start = position
            let isList = isInner && key.hasSameBytes(as: "items")
            let isCandidate = Self.candidates.contains { key.hasSameBytes(as: $0) }
            nesting += isCandidate ? 1 : 0
            let isAboutSecrets = value(at: &position, isSecret: isSecret && isList, depth: depth + 1)
            nesting -= isCandidate ? 1 : 0
            let content = text.slice(start..<min(position, text.count))
            if key.hasSameBytes(as: "kind") {
                members.isSecret =
                    members.isSecret || content.hasSameBytes(as: "\"Secret\"")
                    || content.hasSameBytes(as: "\"SecretList\"")
            } else if key.hasSameBytes(as: "resource") {
                resourceIsSecrets = content.hasSameBytes(as: "\"secrets\"")
            } else if key.hasSameBytes(as: "objectRef") {
                members.isAboutSecrets = isAboutSecrets
            } else if key.hasSameBytes(as: "requestObject") || key.hasSameBytes(as: "responseObject") {
                members.bodies.append(start)
            } else if key.hasSameBytes(as: "data") || key.hasSameBytes(as: "stringData")
                || key.hasSameBytes(as: "items")
            {
                members.hidden.append(start)
            } else if key.hasSameBytes(as: "metadata") {
                members.hidden.append(start)
            }
            skipTo(&position, UInt8(ascii: ","), orBefore: UInt8(ascii: "}"))
        }
        position += 1
        guard nesting <= Self.maximumNesting else { return resourceIsSecrets }
        if members.isSecret { hide(members.hidden) }
        if members.isAboutSecrets, !isInner { for body in members.bodies { hideBody(body) } }
        return resourceIsSecrets
    }

    /// Hides what the members of a Secret hold.
    private mutating func hide(_ starts: [Int]) {
        for start in starts where text[start] == UInt8(ascii: "{") || text[start] == UInt8(ascii: "[") {
            let strings = JSONStrings(in: text, containerAt: start, nested: true).values
            switch memberName(before: start) {
            case "metadata":
                // `kubectl apply` keeps the whole object, data included, in an annotation.
                ranges.append(contentsOf: strings.filter { isLastApplied($0) })
            case "items": if !isInner { hideItems(start) }
            default: ranges.append(contentsOf: strings)
            }
        }
    }

    /// The members of a list name no kind of their own.
    private mutating func hideItems(_ start: Int) {
        var position = start
        var inner = KubernetesSecrets(inner: text)
        _ = inner.value(at: &position, isSecret: true, depth: 0)
        ranges.append(contentsOf: inner.ranges)
    }

    /// The body of a request about secrets: an object, a merge patch, or a JSON patch (RFC 6902 §4) with `value`s.
    private mutating func hideBody(_ start: Int) {
        var position = start
        var inner = KubernetesSecrets(inner: text)
        _ = inner.value(at: &position, isSecret: true, depth: 0)
        ranges.append(contentsOf: inner.ranges)
        guard text[start] == UInt8(ascii: "[") else { return }
        for range in JSONStrings(in: text, containerAt: start, nested: true).values
        where memberName(before: range.lowerBound - 1) == "value" {
            ranges.append(range)
        }
    }

    private init(inner text: UnsafeRawBufferPointer) {
        self.text = text
        isInner = true
    }

    /// The key of the value at an offset.
    private func memberName(before start: Int) -> String {
        var end = start - 1
        while end >= 0, text[end] != UInt8(ascii: "\"") { end -= 1 }
        var begin = end
        while begin > 0, text[begin - 1] != UInt8(ascii: "\"") { begin -= 1 }
        return begin < end ? text.slice(begin..<end).text : ""
    }

    private func isLastApplied(_ range: Range<Int>) -> Bool {
        memberName(before: range.lowerBound - 1) == "kubectl.kubernetes.io/last-applied-configuration"
    }

    private func skipSpaces(_ position: inout Int) {
        while position < text.count, CharacterClass.isSpace(text[position]) { position += 1 }
    }

    /// Goes past a separator, or up to what closes the container.
    private func skipTo(_ position: inout Int, _ separator: UInt8, orBefore end: UInt8) {
        while position < text.count {
            if text[position] == separator {
                position += 1
                return
            }
            if text[position] == end { return }
            position += 1
        }
    }
}
