import EventModel
import QueryLanguage

/// Reads the cells of a table of events from their records: what `fields` shows.
///
/// A short name gives one value; the full name of a list field, and a path that crosses an array, give all members when
/// there are several.
struct EventCells {
    let fields: [FieldReference]
    let groups: FieldGroupSet

    var readsPayloadPaths: Bool {
        groups.contains(.raw) && fields.contains { if case .raw = $0 { true } else { false } }
    }

    private let lookups: [PayloadLookup?]

    init(_ fields: [FieldReference], groups: FieldGroupSet) {
        self.fields = fields
        self.groups = groups
        lookups = fields.map { if case .raw(let path) = $0 { PayloadLookup(path) } else { nil } }
    }

    func row(_ view: SealedView, index: LeafIndex, parser: JSONParser) -> [QueryValue] {
        guard readsPayloadPaths else { return row(view, index: index, payload: nil) }
        return parser.withPayload(of: view) { row(view, index: index, payload: $0) }
    }

    private func row(_ view: SealedView, index: LeafIndex, payload: JSONValue?) -> [QueryValue] {
        fields.indices.map { position in
            switch fields[position] {
            case .leafIndex: return .integer(Int64(bitPattern: index.rawValue))
            case .field(let field): return value(of: field, in: view)
            case .alias(let alias): return value(ofFirst: alias.output, in: view)
            case .ext(let key):
                guard groups.contains(.text), let value = view.value(ofExtension: key) else { return .absent }
                return .text(value.text)
            case .raw:
                guard let payload, let lookup = lookups[position] else { return .absent }
                return Self.value(of: lookup, in: payload)
            case .column: return .absent
            }
        }
    }

    private func value(of field: Field, in view: SealedView) -> QueryValue {
        guard groups.contains(field.group) else { return .absent }
        if field.type == .time { return .time(view.time(field) ?? view.received) }
        var members: [QueryValue] = []
        for entry in view.entries where entry.field == field {
            members.append(QueryValue(entry.value, ValueType(field)))
        }
        guard let first = members.first else { return .absent }
        return members.count == 1 ? first : .list(members)
    }

    private func value(ofFirst fields: [Field], in view: SealedView) -> QueryValue {
        for field in fields where groups.contains(field.group) {
            if let value = view.value(first: field) { return QueryValue(value, ValueType(field)) }
        }
        return .absent
    }

    private static func value(of lookup: PayloadLookup, in payload: JSONValue) -> QueryValue {
        var members: [QueryValue] = []
        lookup.visit(payload) { value in
            members.append(cell(value))
            return true
        }
        guard let first = members.first else { return .absent }
        return members.count == 1 ? first : .list(members)
    }

    private static func cell(_ value: JSONValue) -> QueryValue {
        var key: [UInt8] = []
        ValueKey.append(value, to: &key)
        return key.withUnsafeBytes(ValueKey.value)
    }
}
