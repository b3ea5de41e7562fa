import EventModel
import QueryLanguage

/// Evaluates a compiled filter on one sealed record, in Kleene's three-valued logic: nil says that the answer depends on
/// payload paths and the payload has not been read.
struct RecordEvaluation {
    enum Payload {
        case unread
        case known(JSONValue?)
    }

    let view: SealedView
    let index: LeafIndex?
    let payload: Payload
    private var scratch: [UInt8] = []

    init(view: SealedView, index: LeafIndex?, payload: Payload) {
        self.view = view
        self.index = index
        self.payload = payload
    }

    mutating func evaluate(_ filter: CompiledFilter) -> Bool? {
        switch filter {
        case .constant(let value): return value
        case .and(let members): return all(members)
        case .or(let members): return any(members)
        case .not(let member): return evaluate(member).map { !$0 }
        case .field(let test): return holds(test)
        case .time(let test): return test.matches(time(test.field))
        case .index(let test): return index.map(test.matches) ?? false
        case .payload(let test):
            guard case .known(let root) = payload else { return nil }
            return root.map { test.matches($0, scratch: &scratch) } ?? false
        case .extension(let key, let predicate): return holds(predicate, extension: key)
        case .text(let test): return test.matches(view)
        }
    }

    private mutating func all(_ members: [CompiledFilter]) -> Bool? {
        var result: Bool? = true
        for member in members {
            switch evaluate(member) {
            case false: return false
            case nil: result = nil
            case true: continue
            }
        }
        return result
    }

    private mutating func any(_ members: [CompiledFilter]) -> Bool? {
        var result: Bool? = false
        for member in members {
            switch evaluate(member) {
            case true: return true
            case nil: result = nil
            case false: continue
            }
        }
        return result
    }

    private func holds(_ test: FieldTest) -> Bool {
        for entry in view.entries where test.fields.contains(entry.field) && test.value.matches(entry.value) {
            return true
        }
        return false
    }

    private func holds(_ predicate: ValuePredicate, extension key: String) -> Bool {
        for entry in view.entries where entry.field == .ext {
            guard let separator = entry.value.firstIndex(of: 0),
                key.utf8.elementsEqual(entry.value.slice(0..<separator))
            else { continue }
            if predicate.matches(entry.value.slice(separator + 1..<entry.value.count)) { return true }
        }
        return false
    }

    /// Where a record lacks its `time`, the receive time stands for it, as in the segments.
    private func time(_ field: Field) -> Int64 {
        (view.time(field) ?? view.received).rawValue
    }
}

extension TextTest {
    /// Whether the text occurs in a visible value or in the payload. Times are no text; of `ext` only the values are.
    func matches(_ view: SealedView) -> Bool {
        if groups.contains(.raw), let payload = view.payload, matches(payload) { return true }
        for entry in view.entries where groups.contains(entry.field.group) && entry.field.type != .time {
            var value = entry.value
            if entry.field == .ext, let separator = value.firstIndex(of: 0) {
                value = value.slice(separator + 1..<value.count)
            }
            if matches(value) { return true }
        }
        return false
    }
}

extension CompiledFilter {
    var readsPayloadPaths: Bool {
        switch self {
        case .payload: true
        case .and(let members), .or(let members): members.contains(where: \.readsPayloadPaths)
        case .not(let member): member.readsPayloadPaths
        default: false
        }
    }
}
