import EventModel

/// For every rule a set of predicates of which at least one must hold for the rule to match, where they are all
/// equalities: then a look at those fields' values finds the rules worth asking. Among the possible sets of a rule the
/// one is taken whose values the fewest rules share.
struct WitnessIndex {
    private(set) var witnesses: [RuleProgram.Witness] = []
    private(set) var unconditional: [Int32] = []

    private let nodes: [RuleProgram.Node]
    private let children: [Int32]
    private let tests: [CompiledTest]
    /// How many conditions mention each predicate.
    private var uses: [Int]

    init(
        _ roots: [Int32], nodes: [RuleProgram.Node], children: [Int32], tests: [CompiledTest],
        predicateFields: [Int32]
    ) {
        self.nodes = nodes
        self.children = children
        self.tests = tests
        uses = [Int](repeating: 0, count: tests.count)
        for node in nodes where node.kind == .predicate { uses[Int(node.first)] += 1 }
        var rulesByField: [Int: [[UInt8]: [Int32]]] = [:]
        for (rule, root) in roots.enumerated() {
            guard let set = bestSet(Int(root)) else {
                unconditional.append(Int32(rule))
                continue
            }
            for number in Set(set) {
                guard case .equal(let bytes, let isCased) = tests[number] else { continue }
                let key = isCased ? CompiledTest.foldedLiteral(bytes) : bytes
                rulesByField[Int(predicateFields[number]), default: [:]][key, default: []].append(Int32(rule))
            }
        }
        witnesses = rulesByField.sorted { $0.key < $1.key }
            .map { RuleProgram.Witness(field: $0.key, table: ByteTable($0.value)) }
    }

    /// Predicates of which one must hold for the node to hold; nil when there is no such set of equalities.
    private func bestSet(_ number: Int) -> [Int]? {
        let node = nodes[number]
        switch node.kind {
        case .predicate:
            guard case .equal = tests[Int(node.first)] else { return nil }
            return [Int(node.first)]
        case .not: return nil
        case .all: return members(node).compactMap(bestSet).min { weight($0) < weight($1) }
        case .any:
            var union: [Int] = []
            for child in members(node) {
                guard let set = bestSet(child) else { return nil }
                union += set
            }
            return union
        }
    }

    private func weight(_ set: [Int]) -> Int { set.reduce(0) { $0 + uses[$1] } }

    private func members(_ node: RuleProgram.Node) -> [Int] {
        children[Int(node.first)..<Int(node.first + node.count)].map(Int.init)
    }
}

/// An immutable hash table from bytes to lists of rule numbers.
struct ByteTable: Sendable {
    private struct Entry: Sendable {
        var hash: UInt64 = 0
        var key: [UInt8] = []
        var rules: [Int32] = []
    }

    private let entries: [Entry]
    private let mask: Int

    init(_ contents: [[UInt8]: [Int32]]) {
        var capacity = 4
        while capacity < contents.count * 2 { capacity *= 2 }
        mask = capacity - 1
        var entries = [Entry](repeating: Entry(), count: capacity)
        for (key, rules) in contents {
            let hash = key.withUnsafeBytes(Self.hash)
            var place = Int(truncatingIfNeeded: hash) & mask
            while !entries[place].rules.isEmpty { place = (place + 1) & mask }
            entries[place] = Entry(hash: hash, key: key, rules: rules)
        }
        self.entries = entries
    }

    /// Hands the rules under a key to `body`.
    @inline(__always)
    func forEach(_ key: UnsafeRawBufferPointer, _ body: (Int32) -> Void) {
        let hash = Self.hash(key)
        var place = Int(truncatingIfNeeded: hash) & mask
        while !entries[place].rules.isEmpty {
            if entries[place].hash == hash, entries[place].key.withUnsafeBytes({ $0.hasSameBytes(as: key) }) {
                for rule in entries[place].rules { body(rule) }
                return
            }
            place = (place + 1) & mask
        }
    }

    /// FNV-1a with a final mix. Keys are the rules', not the events': nobody can make them collide from outside.
    @inline(__always)
    private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return hash ^ (hash >> 32)
    }
}
