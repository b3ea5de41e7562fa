package import EventModel
import QueryLanguage

/// What an event has where a predicate looks: for people who ask why it holds, or does not.
struct PredicateValues {
    /// Values of one place that are shown, and bytes of each: enough to see what is there.
    static let maximumValues = 8
    static let maximumBytes = 256

    /// As texts; objects as compact JSON, null as `null`. Empty when there is no value.
    private(set) var texts: [String] = []
    /// Whether there are more, or longer ones.
    private(set) var isCut = false

    init(_ target: PredicateTarget, payloadOnly: Bool, view: SealedView, payload: JSONValue?) {
        let access = FieldAccess(target, payloadOnly: payloadOnly)
        guard !access.isAnywhere, !access.isElement else { return }
        if let payload {
            for path in access.paths where path.forEachValue(in: payload, { add($0) }) { return }
        }
        switch access.canonical {
        case .field(let field): add(field, of: view)
        case .extensionKey(let key):
            for entry in view.entries where entry.field == .ext {
                guard let separator = entry.value.firstIndex(of: 0),
                    entry.value.slice(0..<separator).elementsEqual(key)
                else { continue }
                add(text: Array(entry.value.slice(separator + 1..<entry.value.count)))
            }
        case nil: return
        }
    }

    private mutating func add(_ field: Field, of view: SealedView) {
        for entry in view.entries where entry.field == field {
            guard field.type == .time, let time = Timestamp(sealed: entry.value) else {
                add(text: Array(entry.value))
                continue
            }
            add(text: Array(time.text.utf8))
        }
    }

    private mutating func add(_ value: JSONValue) {
        switch value.kind {
        case .array: for element in value.elements { add(element) }
        case .null: add(text: Array("null".utf8))
        case .string: add(text: value.string.map(Array.init) ?? [])
        default:
            var bytes: [UInt8] = []
            JSONText.append(value, to: &bytes)
            add(text: bytes)
        }
    }

    private mutating func add(text: [UInt8]) {
        guard texts.count < Self.maximumValues else { return isCut = true }
        guard text.count > Self.maximumBytes else { return texts.append(String(decoding: text, as: UTF8.self)) }
        isCut = true
        var end = Self.maximumBytes
        // Not inside a character.
        while end > 0, text[end] & 0xC0 == 0x80 { end -= 1 }
        texts.append(String(decoding: text[..<end], as: UTF8.self))
    }
}

extension SigmaRule {
    /// The field classes that an answer about this rule and an event tells of, the payload's among them. Nobody may ask
    /// about what they may not see.
    package var revealedGroups: Set<FieldGroup> {
        var groups: Set<FieldGroup> = [.envelope, .raw]
        expression.forEachPredicate { predicate in
            var targets = [predicate.target]
            switch predicate.test {
            case .query: groups.formUnion(FieldGroup.allCases)
            case .reference(let name, _, _): targets.append(.field(name))
            default: break
            }
            for target in targets {
                let access = FieldAccess(target, payloadOnly: seesPayloadOnly)
                if access.isAnywhere { groups.formUnion(FieldGroup.allCases) }
                switch access.canonical {
                case .field(let field): groups.insert(field.group)
                case .extensionKey: groups.insert(Field.ext.group)
                case nil: continue
                }
            }
        }
        return groups
    }
}

extension RuleExpression {
    fileprivate func forEachPredicate(_ body: (Predicate) -> Void) {
        switch self {
        case .predicate(let predicate): body(predicate)
        case .all(let members), .any(let members): for member in members { member.forEachPredicate(body) }
        case .not(let inner): inner.forEachPredicate(body)
        }
    }
}
