import EventModel
import QueryLanguage

/// A filter over the rows of a table: what `where` means after a stage that makes one.
struct RowPredicate {
    private indirect enum Test {
        case all
        case and([Test])
        case or([Test])
        case not(Test)
        case column(Int, ValuePredicate, isPresence: Bool)
        case never
        case text(TextPredicate)
    }

    private let test: Test

    init(_ filter: Filter, _ columns: [QueryColumn]) { test = Self.compile(filter, columns) }

    private static func compile(_ filter: Filter, _ columns: [QueryColumn]) -> Test {
        switch filter {
        case .all: return .all
        case .and(let members): return .and(members.map { compile($0, columns) })
        case .or(let members): return .or(members.map { compile($0, columns) })
        case .not(let member): return .not(compile(member, columns))
        case .text(let match): return .text(TextPredicate(match))
        case .field(let reference, let match):
            guard let column = columns.firstIndex(where: { $0.name == reference.name }) else { return .never }
            return .column(column, ValuePredicate(match), isPresence: match == .present)
        }
    }

    func matches(_ row: [QueryValue]) -> Bool { Self.matches(test, row) }

    private static func matches(_ test: Test, _ row: [QueryValue]) -> Bool {
        switch test {
        case .all: true
        case .never: false
        case .and(let members): members.allSatisfy { matches($0, row) }
        case .or(let members): members.contains { matches($0, row) }
        case .not(let member): !matches(member, row)
        case .column(let column, let predicate, let isPresence):
            any(row[column]) { value in isPresence || holds(value, predicate.matches) }
        case .text(let predicate): row.contains { cell in any(cell) { holds($0, predicate.matches) } }
        }
    }

    /// Whether a test holds for a present value, or for any member of a list.
    private static func any(_ value: QueryValue, _ test: (QueryValue) -> Bool) -> Bool {
        switch value {
        case .absent: false
        case .list(let members): members.contains { any($0, test) }
        default: test(value)
        }
    }

    private static func holds(_ value: QueryValue, _ test: (UnsafeRawBufferPointer) -> Bool) -> Bool {
        guard var text = value.text else { return false }
        return text.withUTF8 { test(UnsafeRawBufferPointer($0)) }
    }
}
