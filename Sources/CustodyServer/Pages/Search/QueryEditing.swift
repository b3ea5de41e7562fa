import EventModel
import QueryLanguage

extension Query {
    /// The query with one more condition, as a click on a value adds it.
    ///
    /// - Returns: nil for a value that no term can hold.
    func adding(_ field: String, _ value: String, excluding: Bool = false, now: Timestamp) -> Query? {
        guard let term = Self.term(field, value, now: now) else { return nil }
        let condition = excluding ? Filter.negation(term) : term
        return Query(filter: .conjunction([filter, condition]), stages: stages)
    }

    /// Whether a condition of this kind stands in the query already, on its own.
    func has(_ field: String, _ value: String, now: Timestamp) -> Bool {
        guard let term = Self.term(field, value, now: now) else { return false }
        if case .and(let members) = filter { return members.contains(term) }
        return filter == term
    }

    /// The query without a condition that ``has(_:_:now:)``.
    func removing(_ field: String, _ value: String, now: Timestamp) -> Query {
        guard let term = Self.term(field, value, now: now) else { return self }
        guard case .and(let members) = filter else {
            return Query(filter: filter == term ? .all : filter, stages: stages)
        }
        return Query(filter: .conjunction(members.filter { $0 != term }), stages: stages)
    }

    private static func term(_ field: String, _ value: String, now: Timestamp) -> Filter? {
        (try? Query(parsing: "\(field):\(quoted(value))", now: now))?.filter
    }

    /// A value as a term holds it, in quotes unless it needs none.
    static func quoted(_ value: String) -> String {
        let isPlain =
            !value.isEmpty
            && value.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"),
                    UInt8(ascii: "@"):
                    true
                case UInt8(ascii: "-"), UInt8(ascii: "/"): byte != value.utf8.first
                default: false
                }
            } && !value.contains("..")
        if isPlain { return value }
        return "\"" + value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    /// The events that go into it, without what is made of them.
    var events: Query { Query(filter: eventFilter) }

    /// What a person sees in the box; nothing for everything.
    var boxText: String { filter == .all && stages.isEmpty ? "" : canonical }
}
