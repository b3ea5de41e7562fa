import EventModel

/// For every rule a set of predicates of which at least one must hold for the rule to match; a rule is asked about an event
/// only when one of them does. Among the possible sets of a rule the one is taken that events will meet most seldom.
struct WitnessIndex {
    struct Range: BitwiseCopyable, Sendable {
        var first: Int32 = 0
        var end: Int32 = 0
    }

    /// By predicate: its rules, as a range of ``rules``.
    private(set) var ranges: [Range]
    private(set) var rules: [Int32] = []
    /// Rules without such a set.
    private(set) var unconditional: [Int32] = []

    private let nodes: [RuleProgram.Node]
    private let children: [Int32]
    private let tests: [CompiledTest]
    /// How many conditions mention each predicate.
    private var uses: [Int]

    init(_ roots: [Int32], nodes: [RuleProgram.Node], children: [Int32], tests: [CompiledTest]) {
        self.nodes = nodes
        self.children = children
        self.tests = tests
        ranges = Array(repeating: Range(), count: tests.count)
        uses = [Int](repeating: 0, count: tests.count)
        for node in nodes where node.kind == .predicate { uses[Int(node.first)] += 1 }
        var byPredicate: [[Int32]] = Array(repeating: [], count: tests.count)
        for (rule, root) in roots.enumerated() {
            guard let set = bestSet(Int(root)) else {
                unconditional.append(Int32(rule))
                continue
            }
            for number in Set(set.predicates) { byPredicate[number].append(Int32(rule)) }
        }
        for (number, own) in byPredicate.enumerated() {
            ranges[number] = Range(first: Int32(rules.count), end: Int32(rules.count + own.count))
            rules += own
        }
    }

    private struct Choice {
        var predicates: [Int]
        var weight: Int
    }

    /// Predicates of which one must hold for the node to hold; nil when there is no such set.
    private func bestSet(_ number: Int) -> Choice? {
        let node = nodes[number]
        switch node.kind {
        case .predicate:
            guard let frequency = tests[Int(node.first)].frequency else { return nil }
            return Choice(predicates: [Int(node.first)], weight: frequency + 4 * (uses[Int(node.first)] - 1))
        case .not: return nil
        case .all: return members(node).compactMap(bestSet).min { $0.weight < $1.weight }
        case .any:
            var union = Choice(predicates: [], weight: 0)
            for child in members(node) {
                guard let set = bestSet(child) else { return nil }
                union.predicates += set.predicates
                union.weight += set.weight
            }
            return union
        }
    }

    private func members(_ node: RuleProgram.Node) -> [Int] {
        children[Int(node.first)..<Int(node.first + node.count)].map(Int.init)
    }
}

extension CompiledTest {
    /// A guess at how often a test holds, in parts of a thousand events; nil when it is not answered by looking at values.
    fileprivate var frequency: Int? {
        switch self {
        case .equal(let bytes, _): bytes.count > 1 ? 8 : 60
        case .prefix(let bytes, _), .suffix(let bytes, _): bytes.count > 4 ? 15 : 60
        case .contains(let bytes, _): bytes.count > 8 ? 12 : bytes.count > 3 ? 40 : 200
        case .glob, .regex: 40
        case .network, .timePart: 150
        case .number: 300
        case .exists: 500
        case .anyValue: 500
        case .isNull, .reference, .elements, .query: nil
        }
    }
}

/// An immutable hash table from bytes to lists of numbers.
struct ByteTable: Sendable {
    private struct Entry: BitwiseCopyable, Sendable {
        var hash: UInt64 = 0
        var keyOffset: Int32 = 0
        var keyCount: Int32 = 0
        var first: Int32 = 0
        /// Zero for an empty place.
        var count: Int32 = 0
    }

    private static let seed: UInt64 = 0x2545_F491_4F6C_DD1D

    private let entries: FlatArray<Entry>
    private let keys: FlatArray<UInt8>
    private let numbers: FlatArray<Int32>
    private let mask: Int

    init(_ contents: [[UInt8]: [Int32]]) {
        var capacity = 4
        while capacity < contents.count * 2 { capacity *= 2 }
        mask = capacity - 1
        var entries = [Entry](repeating: Entry(), count: capacity)
        var keys: [UInt8] = []
        var numbers: [Int32] = []
        for (key, own) in contents where !own.isEmpty {
            let hash = key.withUnsafeBytes { ByteHash.hash($0, seed: Self.seed) }
            var place = Int(truncatingIfNeeded: hash) & mask
            while entries[place].count > 0 { place = (place + 1) & mask }
            entries[place] = Entry(
                hash: hash, keyOffset: Int32(keys.count), keyCount: Int32(key.count), first: Int32(numbers.count),
                count: Int32(own.count))
            keys += key
            numbers += own
        }
        self.entries = FlatArray(entries)
        self.keys = FlatArray(keys)
        self.numbers = FlatArray(numbers)
    }

    /// Hands the numbers under a key to `body`.
    @inline(__always)
    func forEach(_ key: UnsafeRawBufferPointer, _ body: (Int32) -> Void) {
        let hash = ByteHash.hash(key, seed: Self.seed)
        var place = Int(truncatingIfNeeded: hash) & mask
        while entries[place].count > 0 {
            let entry = entries[place]
            if entry.hash == hash, Int(entry.keyCount) == key.count,
                UnsafeRawBufferPointer(start: keys.base + Int(entry.keyOffset), count: key.count).hasSameBytes(as: key)
            {
                for number in Int(entry.first)..<Int(entry.first + entry.count) { body(numbers[number]) }
                return
            }
            place = (place + 1) & mask
        }
    }
}
