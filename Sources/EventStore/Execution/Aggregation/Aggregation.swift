import EventModel
import QueryLanguage

/// The groups and aggregates of one stage over a whole search. Segments (or a table) are gathered one by one and merged here,
/// by each task those that it has gathered; in the end what the tasks have is merged.
struct Aggregation {
    /// What a stage asks for.
    struct Plan: Sendable {
        var keys: [Item]
        var aggregates: [Aggregate]
    }

    /// What is wanted of an event: a field, or the bucket of time that it falls into.
    enum Item: Hashable, Sendable {
        case value(FieldReference)
        case bucket(span: Int64)
    }

    let plan: Plan
    private let limits: SearchLimits
    private var groups = ByteInterner()
    private var counts: [Int] = []
    private var accumulators: [(any Accumulator)?]
    private var held: HeldBytes

    init(_ plan: Plan, limits: SearchLimits, allowance: SearchAllowance) {
        self.plan = plan
        self.limits = limits
        held = HeldBytes(allowance)
        accumulators = plan.aggregates.map { Accumulators.make($0.function) }
        // Without keys there is one group, even over nothing.
        if plan.keys.isEmpty {
            _ = groups.number(of: [UInt8]())
            counts = [0]
        }
    }

    // MARK: Merging

    /// Adds what was gathered from one segment or table.
    mutating func merge(_ gathered: GatheredGroups) throws {
        let rowCounts = gathered.grouping.rowCounts
        let present = rowCounts.indices.filter { rowCounts[$0] > 0 }
        var (keys, ends) = ([UInt8](), [Int]())
        gathered.appendKeys(of: present, to: &keys, ends: &ends)
        var mapping = [UInt32?](repeating: nil, count: rowCounts.count)
        let known = groups.numbers(of: keys, ends: ends)
        counts.extend(to: groups.count, with: 0)
        for (number, group) in zip(present, known) {
            counts[Int(group) - 1] += rowCounts[number]
            mapping[number] = group - 1
        }
        try Self.require(counts.count <= limits.groups, "more than \(limits.groups) groups")
        for position in accumulators.indices {
            guard let other = gathered.accumulators[position] else { continue }
            accumulators[position]?.merge(other.0, mapping: mapping, bound: counts.count, other.1)
        }
        try check()
    }

    /// Adds what another task has merged.
    mutating func merge(_ other: Aggregation) throws {
        let mapping = groups.numbers(of: other.groups).map { $0 - 1 }
        counts.extend(to: groups.count, with: 0)
        for (group, rows) in zip(mapping, other.counts) { counts[Int(group)] += rows }
        try Self.require(counts.count <= limits.groups, "more than \(limits.groups) groups")
        for position in accumulators.indices {
            guard let part = other.accumulators[position] else { continue }
            accumulators[position]?.merge(whole: part, mapping: mapping, bound: counts.count)
        }
        try check()
    }

    private mutating func check() throws {
        try Self.checkKept(accumulators.compactMap(\.self), limits)
        try held.note(groups.heldBytes + counts.count * 8 + Self.bytes(accumulators))
    }

    static func bytes(_ accumulators: [(any Accumulator)?]) -> Int {
        accumulators.reduce(0) { $0 + ($1?.heldBytes ?? 0) }
    }

    static func checkKept(_ accumulators: [any Accumulator], _ limits: SearchLimits) throws {
        var (distinct, ranked) = (0, 0)
        for accumulator in accumulators {
            if accumulator is RankAccumulator {
                ranked += accumulator.keptValues
            } else {
                distinct += accumulator.keptValues
            }
        }
        try require(distinct <= limits.distinctValues, "more than \(limits.distinctValues) distinct values")
        try require(ranked <= limits.rankedValues, "percentiles of more than \(limits.rankedValues) values")
    }

    static func require(_ condition: Bool, _ reason: String) throws {
        guard condition else {
            throw EventStoreError(.tooManyGroups, "the search makes \(reason); narrow it or group by less")
        }
    }

    // MARK: Results

    /// One row for each group: the keys, then the aggregates; in no particular order.
    mutating func rows() throws -> [[QueryValue]] {
        // Before they are made: an array for each, its cells, and the texts of its keys.
        let cells = counts.count * (plan.keys.count + plan.aggregates.count) * QueryValue.ownBytes
        try held.note(held.bytes + counts.count * 48 + cells + groups.textBytes)
        return (0..<UInt32(counts.count)).map { group in
            var row = groups.withBytes(of: group + 1) { GatheredGroups.values(ofKey: $0, count: plan.keys.count) }
            for position in accumulators.indices {
                row.append(
                    accumulators[position]?.result(group) ?? .integer(Int64(counts[Int(group)])))
            }
            return row
        }
    }
}

/// The groups and aggregates of one segment or table.
struct GatheredGroups {
    private(set) var grouping: Grouping
    private(set) var accumulators: [(any Accumulator, any ValueSource)?]
    private let limits: SearchLimits
    private var held: HeldBytes

    /// - Parameter arguments: the source of each aggregate's argument; nil for `count`.
    init(
        keys: [any ValueSource], _ aggregates: [Aggregate], arguments: [(any ValueSource)?], limits: SearchLimits,
        allowance: SearchAllowance
    ) {
        held = HeldBytes(allowance)
        grouping = Grouping(keys)
        accumulators = zip(aggregates, arguments).map { aggregate, source in
            guard let accumulator = Accumulators.make(aggregate.function), let source else { return nil }
            return (accumulator, source)
        }
        self.limits = limits
    }

    /// Groups a set of rows by the codes of the only key (or of none), when rows and distinct values are all that is
    /// counted. False, and nothing has changed, when that is not possible.
    ///
    /// - Parameter memory: the task's.
    mutating func count(_ rows: RowSet, _ memory: CodeMemory) throws -> Bool {
        if grouping.keys.isEmpty, accumulators.allSatisfy({ $0 == nil }) {
            grouping.assign(counts: [rows.count])
            return true
        }
        guard grouping.keys.count == 1, let key = grouping.keys.first as? any CountingSource,
            key.codeBound <= limits.groups, let counts = key.counts(rows)
        else { return false }
        var made = accumulators
        for position in made.indices {
            guard let (accumulator, source) = made[position] else { continue }
            guard var distinct = accumulator as? DistinctAccumulator, let source = source as? any CountingSource,
                distinct.take(rows, key, source, counts: counts, memory)
            else { return false }
            made[position]?.0 = distinct
        }
        accumulators = made
        grouping.assign(counts: counts)
        try check()
        return true
    }

    private mutating func check() throws {
        try Aggregation.checkKept(accumulators.compactMap { $0?.0 }, limits)
        let sources = grouping.keys + accumulators.compactMap { $0?.1 }
        try held.note(
            grouping.heldBytes + Aggregation.bytes(accumulators.map { $0?.0 }) + sources.reduce(0) { $0 + $1.heldBytes }
        )
    }

    /// Nothing of it is needed any more.
    mutating func release() { held.release() }

    /// Adds the rows that the sources have just loaded.
    mutating func add(rowCount: Int) throws {
        grouping.assign(rowCount: rowCount)
        for position in accumulators.indices {
            guard let source = accumulators[position]?.1 else { continue }
            accumulators[position]?.0.add(grouping.numbers, bound: grouping.bound, source)
        }
        try Aggregation.require(grouping.bound <= max(limits.groups, 1) * 2, "more than \(limits.groups) groups")
        try check()
    }

    /// Appends the bytes that stand for groups everywhere: of each the length and the key of each value; and where each ends.
    ///
    /// - Parameter numbers: of the groups, ascending.
    func appendKeys(of numbers: [Int], to bytes: inout [UInt8], ends: inout [Int]) {
        var (keys, keyEnds) = ([UInt8](), [Int]())
        if grouping.keys.count == 1 {
            // All at once: a number is a code.
            if numbers.first == 0 {
                grouping.keys[0].appendKey(of: 0, to: &keys)
                keyEnds.append(keys.count)
            }
            grouping.keys[0].appendKeys(of: numbers.filter { $0 != 0 }, to: &keys, ends: &keyEnds)
            var start = 0
            for end in keyEnds {
                Varint.append(UInt64(end - start), to: &bytes)
                bytes.append(contentsOf: keys[start..<end])
                ends.append(bytes.count)
                start = end
            }
            return
        }
        for number in numbers {
            for (source, code) in zip(grouping.keys, grouping.codes(of: UInt32(number))) {
                keys.removeAll(keepingCapacity: true)
                source.appendKey(of: code, to: &keys)
                Varint.append(UInt64(keys.count), to: &bytes)
                bytes.append(contentsOf: keys)
            }
            ends.append(bytes.count)
        }
    }

    static func values(ofKey bytes: UnsafeRawBufferPointer, count: Int) -> [QueryValue] {
        var position = 0
        var values: [QueryValue] = []
        for _ in 0..<count {
            let length = Int(Varint.read(bytes, at: &position) ?? 0)
            values.append(ValueKey.value(bytes.slice(position..<position + length)))
            position += length
        }
        return values
    }
}
