import EventModel
import QueryLanguage

/// Makes random queries of every shape, in normal form: what the parser may yield.
struct QueryGenerator {
    private var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func query() -> Query {
        let filter = chance(0.1) ? .all : self.filter(.events, depth: 3)
        var stages: [Stage] = []
        for _ in 0..<below(4) {
            let shape = Query(filter: .all, stages: stages).shape
            let stage = self.stage(shape)
            let names = shape.applying(stage).columns?.map(\.name) ?? []
            guard Set(names).count == names.count, names.count < 6 else { continue }
            if case .table(let columns) = shape.applying(stage), columns.isEmpty { continue }
            stages.append(stage)
        }
        return Query(filter: filter, stages: stages)
    }

    // MARK: - Filters

    private mutating func filter(_ shape: QueryShape, depth: Int) -> Filter {
        switch depth == 0 ? 3 + below(2) : below(5) {
        case 0: .conjunction((0..<2 + below(2)).map { _ in filter(shape, depth: depth - 1) })
        case 1: .disjunction((0..<2 + below(2)).map { _ in filter(shape, depth: depth - 1) })
        case 2: .negation(filter(shape, depth: depth - 1))
        case 3: .text(textMatch())
        default: term(shape)
        }
    }

    private mutating func term(_ shape: QueryShape) -> Filter {
        let field = reference(shape)
        return .field(field, value(of: field, shape.type(of: field), allowingList: true))
    }

    private mutating func textMatch() -> TextMatch {
        switch below(5) {
        case 0: .word(word())
        case 1: .substring(text())
        case 2: .wordPrefix(word())
        case 3: .wordSuffix(word())
        default: .pattern(GlobPattern([.literal(word()), chance(0.5) ? .one : .run, .literal(word())]))
        }
    }

    private mutating func reference(_ shape: QueryShape) -> FieldReference {
        if let columns = shape.columns { return .column(pick(columns).name) }
        switch below(6) {
        case 0: return .raw(PayloadPath((0..<1 + below(3)).map { _ in key() }))
        case 1: return .ext(chance(0.3) ? key() + "." + key() : key())
        case 2: return .leafIndex
        case 3: return .alias(pick(Alias.allCases))
        default: return .field(pick(Field.allCases.filter { $0 != .ext }))
        }
    }

    private mutating func value(of field: FieldReference, _ type: ValueType, allowingList: Bool) -> ValueMatch {
        if allowingList, chance(0.15) {
            return .oneOf((0..<2 + below(3)).map { _ in value(of: field, type, allowingList: false) })
        }
        if chance(0.1) { return .present }
        switch type {
        case .text, .untyped: return textValue(field, type)
        case .time: return timeValue()
        case .number: return numberValue()
        case .address: return addressValue()
        }
    }

    private mutating func textValue(_ field: FieldReference, _ type: ValueType) -> ValueMatch {
        switch below(type == .untyped ? 6 : 5) {
        case 0: return .exact(text())
        case 1: return .glob(glob())
        case 2: return regex()
        case 3: return .compare(pick([.less, .lessOrEqual, .greater, .greaterOrEqual]), .number(number()))
        case 5: return .compare(pick([.less, .lessOrEqual, .greater, .greaterOrEqual]), .time(time()))
        default:
            let text = chance(0.05) ? "" : self.text()
            return field.matchesPrefixes && !text.isEmpty ? .prefix(text) : .equals(text)
        }
    }

    private mutating func regex() -> ValueMatch {
        let pattern = pick(["^a", "a/b", "[a-z/]+$", "a\\.b", "\\\\", "a b|c", "(x)", "\\|", "\"", "é+"])
        guard let regex = try? LinearRegex(pattern) else { return .present }
        return .regex(regex)
    }

    private mutating func glob() -> GlobPattern {
        while true {
            let glob = GlobPattern(
                (0..<2 + below(3)).map { _ in chance(0.4) ? .run : chance(0.3) ? .one : .literal(text()) })
            if glob.hasWildcards, glob.pieces != [.run] { return glob }
        }
    }

    private mutating func timeValue() -> ValueMatch {
        let (one, other) = (time(), time())
        if chance(0.3) {
            return one.start <= other.start ? .range(.time(one), .time(other)) : .range(.time(other), .time(one))
        }
        return .compare(pick(Comparison.allCases), .time(one))
    }

    private mutating func time() -> TimeLiteral {
        let spelled: String
        switch below(4) {
        case 0: spelled = "-\(below(400))\(pick(QueryDuration.Unit.allCases).rawValue)"
        case 1: spelled = "2026-1\(below(3))-0\(1 + below(9))"
        case 2: spelled = "now"
        default: spelled = noon.advanced(byNanoseconds: Int64(below(1_000_000_000)) * 7_919).text
        }
        return TimeLiteral(parsing: spelled, now: noon) ?? time()
    }

    private mutating func numberValue() -> ValueMatch {
        if chance(0.3) {
            let (one, other) = (number(), number())
            return .range(.number(min(one, other)), .number(max(one, other)))
        }
        return .compare(pick(Comparison.allCases), .number(number()))
    }

    private mutating func number() -> QueryNumber {
        let spelled =
            chance(0.5)
            ? "\(Int64(bitPattern: random.next()) >> below(60))"
            : "\(Double(Int64(bitPattern: random.next()) >> 20) / 1_024)"
        return QueryNumber(parsing: spelled) ?? .integer(0)
    }

    private mutating func addressValue() -> ValueMatch {
        let (one, other) = (address(), address())
        return switch below(3) {
        case 0: .range(.address(min(one, other)), .address(max(one, other)))
        case 1: .network(AddressRange(network: one, prefixLength: one.isV4 ? 96 + below(33) : below(129)))
        default: .compare(pick(Comparison.allCases), .address(one))
        }
    }

    private mutating func address() -> IPAddress {
        if chance(0.5) { return IPAddress(v4: UInt32(truncatingIfNeeded: random.next())) }
        var value = UInt128(random.next()) << 64 | UInt128(random.next())
        for group in 0..<8 where chance(0.5) { value &= ~(0xffff << UInt128(16 * group)) }
        return IPAddress(value: value)
    }

    // MARK: - Stages

    private mutating func stage(_ shape: QueryShape) -> Stage {
        switch below(9) {
        case 0: return .filter(filter(shape, depth: 1))
        case 1:
            return .stats(
                (0..<1 + below(3)).map { _ in aggregate(shape) }, by: (0..<below(3)).map { _ in reference(shape) })
        case 2:
            guard shape == .events else { return .limit(7) }
            return .timechart(
                Timechart(
                    span: chance(0.5) ? QueryDuration(Int64(1 + below(60)), pick(QueryDuration.Unit.allCases)) : nil,
                    aggregate: aggregate(shape), by: chance(0.5) ? reference(shape) : nil))
        case 3: return .top(1 + below(10_000), (0..<1 + below(3)).map { _ in reference(shape) })
        case 4: return .rare(1 + below(10_000), reference(shape))
        case 5:
            return .sort((0..<1 + below(3)).map { _ in SortKey(reference(shape), isDescending: chance(0.5)) })
        case 6: return .limit(1 + below(10_000))
        case 7:
            let fields = (0..<1 + below(3)).map { _ in reference(shape) }
            return chance(0.5) ? .keepFields(fields) : .removeFields(fields)
        default: return .dedup(reference(shape))
        }
    }

    private mutating func aggregate(_ shape: QueryShape) -> Aggregate {
        let name = chance(0.3) ? "n\(below(1_000))" : nil
        let function = pick(AggregateFunction.allCases)
        if function == .count { return Aggregate(.count, as: name) }
        let argument = reference(shape)
        let type = shape.type(of: argument)
        let isNumeric = type == .number || type == .untyped
        return Aggregate(isNumeric ? function : pick([.dcount, .min, .max]), argument, as: name)
    }

    // MARK: - Texts

    private mutating func text() -> String {
        let alphabet = Array("abzAZ09_.-/:@=<>,;'\"\\*?|()[]{}#!~^$% \t\néß漢🧪\u{301}\0".unicodeScalars)
        var view = String.UnicodeScalarView()
        for _ in 0..<1 + below(8) { view.append(pick(alphabet)) }
        return String(view)
    }

    /// A text that can be a word with wildcards: no white space and no quote.
    private mutating func word() -> String {
        if chance(0.1) {
            return pick(["OR", "AND", "NOT", "-x", "actor:x", "sha256:ab", "raw.a:b", "a:", ":a", "http://x"])
        }
        let text = text().unicodeScalars.filter { !$0.properties.isWhitespace && $0 != "\"" }
        return text.isEmpty ? "w" : String(text)
    }

    private mutating func key() -> String { chance(0.7) ? pick(["a", "spec", "host_network", "x-y", "0"]) : text() }

    private mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }
    private mutating func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &random) < share }
    private mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
}
