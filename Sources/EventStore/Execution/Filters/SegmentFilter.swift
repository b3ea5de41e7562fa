import EventModel
import QueryLanguage

/// Evaluates a compiled filter on the rows of one segment: first what its indexes and columns say, which for every
/// condition is a pair of rows that certainly match and rows that possibly do, then the records of the rows between.
/// Used by one task at a time.
struct SegmentFilter {
    /// What indexes and columns say.
    struct Bounds {
        var certain: RowSet
        var possible: RowSet

        /// The rows that only their records decide.
        var undecided: RowSet {
            var rows = possible
            rows.subtract(certain)
            return rows
        }

        static func exact(_ rows: RowSet) -> Bounds { Bounds(certain: rows, possible: rows) }
        static func possible(_ rows: RowSet) -> Bounds {
            Bounds(certain: RowSet(rowCount: rows.rowCount), possible: rows)
        }
    }

    let rows: any EventRows
    let meter: QueryMeter
    let worker: SearchWorker

    /// Those rows among `candidates` for which the filter holds.
    func select(_ filter: CompiledFilter, among candidates: RowSet) async throws -> RowSet {
        let bounds = try bounds(filter, candidates)
        var selected = bounds.certain
        let undecided = bounds.undecided
        if !undecided.isEmpty { selected.formUnion(try await records(filter, undecided)) }
        return selected
    }

    /// The rows among `candidates` that match for certain and those that may.
    func bounds(_ filter: CompiledFilter, _ candidates: RowSet) throws -> Bounds {
        guard !candidates.isEmpty else { return .exact(candidates) }
        try meter.check()
        switch filter {
        case .constant(let value): return .exact(value ? candidates : RowSet(rowCount: candidates.rowCount))
        case .and(let members): return try conjunction(members, candidates)
        case .or(let members): return try disjunction(members, candidates)
        case .not(let member):
            let inner = try bounds(member, candidates)
            var (certain, possible) = (candidates, candidates)
            certain.subtract(inner.possible)
            possible.subtract(inner.certain)
            return Bounds(certain: certain, possible: possible)
        case .field(let test):
            return test.isColumnar
                ? .exact(try columns(test, candidates)) : .possible(try narrowed(candidates, test.value.required))
        case .time(let test): return .exact(try times(test, candidates))
        case .index(let test): return .exact(try indexes(test, candidates))
        case .payload(let test): return try payload(test, candidates)
        case .extension(let key, _):
            return .possible(try narrowed(candidates, RequiredTokens(.equals(key), inPayload: false)))
        case .text(let test): return .possible(try narrowed(candidates, test.requiredTokens))
        }
    }

    private func conjunction(_ members: [CompiledFilter], _ candidates: RowSet) throws -> Bounds {
        var result = Bounds.exact(candidates)
        for member in ordered(members) {
            guard !result.possible.isEmpty else { return result }
            let own = try bounds(member, result.possible)
            result.possible = own.possible
            result.certain.formIntersection(own.certain)
        }
        return result
    }

    private func disjunction(_ members: [CompiledFilter], _ candidates: RowSet) throws -> Bounds {
        var result = Bounds.exact(RowSet(rowCount: candidates.rowCount))
        var rest = candidates
        for member in ordered(members) {
            guard !rest.isEmpty else { return result }
            let own = try bounds(member, rest)
            result.certain.formUnion(own.certain)
            result.possible.formUnion(own.possible)
            rest.subtract(own.certain)
        }
        return result
    }

    /// The members, those first that cost least.
    private func ordered(_ members: [CompiledFilter]) -> [CompiledFilter] {
        members.map { ($0, cost($0)) }.sorted { $0.1 < $1.1 }.map(\.0)
    }

    private func cost(_ filter: CompiledFilter) -> Int {
        switch filter {
        case .constant: 0
        case .time(let test): test.decision(for: bounds(of: test.field)) == nil ? 15 : 0
        case .field(let test):
            test.isColumnar ? (test.value.exact != nil || test.value.isPresence ? 10 : 20) : 60
        case .index: 40
        case .payload: 30
        case .and(let members), .or(let members): members.reduce(1) { $0 + cost($1) }
        case .not(let member): cost(member)
        case .extension, .text: 60
        }
    }

    /// Rows or values between two looks at the time and at whether anybody still waits.
    private static let checkedRows = 65_536

    // MARK: Columns

    private func columns(_ test: FieldTest, _ candidates: RowSet) throws -> RowSet {
        var selected: RowSet?
        var rest = candidates
        for field in test.fields {
            let name = "column \(field.path)"
            let matching: RowSet? = try meter.measure(name) {
                guard let column = try rows.column(field) else { return nil }
                let codes = try codes(of: column, test.value)
                if case .none = codes { return nil }
                if let rows = listedRows(column, codes) {
                    var matching = RowSet(rowCount: rest.rowCount)
                    for row in rows where rest.contains(Int(row)) { matching.insert(Int(row)) }
                    return matching
                }
                var matching = rest
                column.filter(&matching, codes)
                meter.addScanned(column.codeCount * column.codeWidth, in: name)
                return matching
            }
            guard let matching else { continue }
            if selected == nil { selected = matching } else { selected?.formUnion(matching) }
            rest.subtract(matching)
            if rest.isEmpty { break }
        }
        return selected ?? RowSet(rowCount: candidates.rowCount)
    }

    private func codes(of column: SegmentColumn, _ test: FieldValueTest) throws -> CodeSet {
        func find() throws -> CodeSet { try CodeSet(column, test, check: meter.check) }
        guard let name = test.name, let reader = rows as? SegmentReader else { return try find() }
        return try reader.facts.codes(of: column.field, passing: name, find)
    }

    /// The rows with a code that few rows have, when the segment remembers such.
    private func listedRows(_ column: SegmentColumn, _ codes: CodeSet) -> [UInt32]? {
        guard let code = codes.single, !column.isList, let reader = rows as? SegmentReader else { return nil }
        return reader.facts.rows(of: column, code: code) {
            var all = RowSet(allOf: column.rowCount)
            column.filter(&all, codes)
            return all
        }
    }

    private func bounds(of field: Field) -> ClosedRange<Timestamp> {
        field == .received ? rows.receivedBounds : rows.timeBounds
    }

    private func times(_ test: TimeTest, _ candidates: RowSet) throws -> RowSet {
        if let decision = test.decision(for: bounds(of: test.field)) {
            return decision ? candidates : RowSet(rowCount: candidates.rowCount)
        }
        let name = "column \(test.field.path)"
        return try meter.measure(name) {
            var selected = candidates
            let zones = try rows.timeZones(test.field)
            let wordsOfZone = TimeZones.rows / 64
            var scanned = 0
            try rows.withTimes(test.field) { times in
                // Rows are nearly in the order of time, so most zones are decided as a whole.
                for (number, zone) in zones.enumerated() {
                    let words = number * wordsOfZone..<min((number + 1) * wordsOfZone, selected.words.count)
                    let bounds = Timestamp(rawValue: zone.lowerBound)...Timestamp(rawValue: zone.upperBound)
                    switch test.decision(for: bounds) {
                    case true: continue
                    case false: selected.remove(words: words)
                    case nil:
                        scanned += words.count * 64 * 8
                        if let range = test.onlyRange {
                            selected.keep(inWords: words) { row in
                                let time = times[row]
                                return time >= range.lowerBound && time <= range.upperBound ? 1 : 0
                            }
                        } else {
                            selected.keep(inWords: words) { test.matches(times[$0]) ? 1 : 0 }
                        }
                    }
                }
            }
            meter.addScanned(scanned, in: name)
            return selected
        }
    }

    private func indexes(_ test: IndexTest, _ candidates: RowSet) throws -> RowSet {
        if let range = try test.rows(of: rows) {
            var selected = candidates
            selected.formIntersection(range)
            return selected
        }
        var selected = RowSet(rowCount: candidates.rowCount)
        var seen = 0
        try candidates.forEach { row in
            seen += 1
            if seen % Self.checkedRows == 0 { try meter.check() }
            if test.matches(try rows.leafIndex(ofRow: row)) { selected.insert(row) }
        }
        return selected
    }

    // MARK: Payload paths

    private func payload(_ test: PayloadTest, _ candidates: RowSet) throws -> Bounds {
        guard let reader = rows as? SegmentReader else { return .possible(candidates) }
        let name = "index of payload paths"
        let found: (bounds: Bounds, narrows: Bool) = try meter.measure(name) {
            let index = try reader.pathIndex()
            var wide = RowSet(rowCount: candidates.rowCount)
            for row in index.wideRows where candidates.contains(Int(row)) { wide.insert(Int(row)) }
            switch index.answer(test.path) {
            case .unknown: return (.possible(candidates), true)
            case .absent: return (.possible(wide), false)
            case .path(let entry):
                meter.addScanned(entry.data.count, in: name)
                let column = try reader.pathColumn(entry)
                if test.isPresence || column.keepsValues {
                    let certain =
                        test.isPresence
                        ? column.presence(among: candidates)
                        : column.rows(among: candidates, with: test.matchingCodes(of: column))
                    var possible = certain
                    possible.formUnion(wide)
                    return (Bounds(certain: certain, possible: possible), false)
                }
                var possible = column.presence(among: candidates)
                possible.formUnion(wide)
                return (.possible(possible), true)
            }
        }
        guard found.narrows, !test.isPresence else { return found.bounds }
        return .possible(try narrowed(found.bounds.possible, test.required, inPayload: true))
    }

    // MARK: Tokens

    private func narrowed(
        _ candidates: RowSet, _ required: RequiredTokens?, inPayload: Bool = false
    ) throws -> RowSet {
        guard let required else { return candidates }
        return try narrowed(candidates, required.alternatives, inPayload: inPayload)
    }

    /// The rows of those bundles that hold all tokens of one of some alternatives.
    private func narrowed(
        _ candidates: RowSet, _ alternatives: [[TextPredicate.RequiredToken]], inPayload: Bool = false
    ) throws -> RowSet {
        guard let reader = rows as? SegmentReader, !alternatives.contains(where: \.isEmpty) else { return candidates }
        return try meter.measure("index of tokens") {
            guard let index = try TokenIndex(reader) else { return candidates }
            var found: BundleSet?
            for tokens in alternatives {
                guard let bundles = try index.bundles(with: tokens) else { return candidates }
                if found == nil { found = bundles } else { found?.formUnion(bundles) }
            }
            guard var found else { return candidates }
            if inPayload { found.formUnion(try index.escapedBundles()) }
            var selected = RowSet(of: found, try reader.bundleMap())
            selected.formIntersection(candidates)
            return selected
        }
    }
}

extension PayloadTest {
    /// For each code of a path's values whether it matches.
    func matchingCodes(of column: PathColumn) -> [Bool] {
        (0..<column.valueCount).map { code in
            let key = column.value(code)
            guard let tag = key.first, tag != ValueKey.json else { return false }
            return predicate.matches(key.slice(1..<key.count))
        }
    }
}

extension CompiledFilter {
    /// Whether columns alone decide it, in every segment.
    var isColumnar: Bool {
        switch self {
        case .constant, .time, .index: true
        case .field(let test): test.isColumnar
        case .and(let members), .or(let members): members.allSatisfy(\.isColumnar)
        case .not(let member): member.isColumnar
        case .payload, .extension, .text: false
        }
    }
}
