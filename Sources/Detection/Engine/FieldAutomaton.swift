import EventModel

/// Finds all fields of a program in one walk over a payload.
///
/// A node stands for the names that are still possible after the keys on the way; an edge is a key, of which a name may have
/// several (`a.b.c` is `a.b.c`, `a.b` then `c`, `a` then `b.c`, and `a`, `b`, `c`). Which of several ways to split a name was
/// taken is in the mask of what an edge ends: the smaller the mask, the longer the keys in front, which win.
final class FieldAutomaton: Sendable {
    /// Longer names have too many ways to be split; they are looked up by themselves.
    static let maximumParts = 8

    /// A name that ends at an edge.
    struct Ending: BitwiseCopyable, Sendable {
        let field: Int32
        /// Which of the field's spellings it is.
        let rank: Int16
        let mask: UInt16
    }

    struct Edge: BitwiseCopyable, Sendable {
        let keyOffset: Int32
        let keyCount: Int32
        /// The node behind it; -1 for none.
        let child: Int32
        let firstEnding: Int32
        let endingCount: Int32
    }

    private struct Table: BitwiseCopyable, Sendable {
        var first: Int32 = 0
        /// One less than the number of places; -1 for no table.
        var mask: Int32 = -1
    }

    private struct Node: BitwiseCopyable, Sendable {
        var exact = Table()
        /// Keys in lower case, of names that are compared without regard to case.
        var folded = Table()
    }

    private static let seed: UInt64 = 0x51_7C_C1_B7_27_22_0A_95

    private let nodes: FlatArray<Node>
    /// Places of the tables: an edge's number, -1 where there is none.
    private let places: FlatArray<Int32>
    private let edges: FlatArray<Edge>
    private let endings: FlatArray<Ending>
    private let keys: FlatArray<UInt8>

    var isEmpty: Bool { edges.count == 0 }

    init(_ names: [FieldAutomatonBuilder.Name]) {
        let builder = FieldAutomatonBuilder(names)
        var nodes: [Node] = []
        var places: [Int32] = []
        var edges: [Edge] = []
        var endings: [Ending] = []
        var keys: [UInt8] = []
        for plan in builder.nodes {
            var node = Node()
            for isFolded in [false, true] {
                let own = plan.edges.filter { $0.key.isFolded == isFolded }
                guard !own.isEmpty else { continue }
                var capacity = 2
                while capacity < own.count * 2 { capacity *= 2 }
                let table = Table(first: Int32(places.count), mask: Int32(capacity - 1))
                places.append(contentsOf: repeatElement(-1, count: capacity))
                for edge in own {
                    let hash = edge.key.bytes.withUnsafeBytes { ByteHash.hash($0, seed: Self.seed) }
                    var place = Int(truncatingIfNeeded: hash) & (capacity - 1)
                    while places[Int(table.first) + place] >= 0 { place = (place + 1) & (capacity - 1) }
                    places[Int(table.first) + place] = Int32(edges.count)
                    edges.append(
                        Edge(
                            keyOffset: Int32(keys.count), keyCount: Int32(edge.key.bytes.count),
                            child: Int32(edge.child ?? -1), firstEnding: Int32(endings.count),
                            endingCount: Int32(edge.endings.count)))
                    keys += edge.key.bytes
                    endings += edge.endings
                }
                if isFolded { node.folded = table } else { node.exact = table }
            }
            nodes.append(node)
        }
        self.nodes = FlatArray(nodes)
        self.places = FlatArray(places)
        self.edges = FlatArray(edges)
        self.endings = FlatArray(endings)
        self.keys = FlatArray(keys)
    }

    @inline(__always)
    func ending(_ number: Int) -> Ending { endings[number] }

    /// The edge of a key as it is written.
    @inline(__always)
    func edge(_ node: Int, _ key: UnsafeRawBufferPointer) -> Edge? {
        let table = nodes[node].exact
        return table.mask < 0 ? nil : find(table, key)
    }

    /// Whether a node has names that are compared without regard to case.
    @inline(__always)
    func ignoresCase(_ node: Int) -> Bool { nodes[node].folded.mask >= 0 }

    /// The edge of a key whose capitals (of ASCII) were made small.
    func foldedEdge(_ node: Int, _ key: UnsafeRawBufferPointer) -> Edge? { find(nodes[node].folded, key) }

    @inline(__always)
    private func find(_ table: Table, _ key: UnsafeRawBufferPointer) -> Edge? {
        let mask = Int(table.mask)
        var place = Int(truncatingIfNeeded: ByteHash.hash(key, seed: Self.seed)) & mask
        while true {
            let number = places[Int(table.first) + place]
            guard number >= 0 else { return nil }
            let edge = edges[Int(number)]
            if Int(edge.keyCount) == key.count,
                UnsafeRawBufferPointer(start: keys.base + Int(edge.keyOffset), count: key.count).hasSameBytes(as: key)
            {
                return edge
            }
            place = (place + 1) & mask
        }
    }
}

/// Works out the nodes of a ``FieldAutomaton``.
struct FieldAutomatonBuilder {
    struct Name {
        let field: Int
        let rank: Int
        let parts: [[UInt8]]
        let ignoresCase: Bool
    }

    struct Key: Hashable {
        let bytes: [UInt8]
        let isFolded: Bool
    }

    struct PlannedEdge {
        let key: Key
        var child: Int?
        var endings: [FieldAutomaton.Ending]
    }

    struct PlannedNode {
        var edges: [PlannedEdge] = []
    }

    private struct State: Hashable {
        let name: Int
        let from: Int
        let mask: UInt16
    }

    private(set) var nodes: [PlannedNode] = []
    private var known: [Set<State>: Int] = [:]
    private let names: [Name]

    init(_ names: [Name]) {
        self.names = names
        _ = node(Set(names.indices.map { State(name: $0, from: 0, mask: 0) }))
    }

    private mutating func node(_ states: Set<State>) -> Int {
        if let number = known[states] { return number }
        let number = nodes.count
        known[states] = number
        nodes.append(PlannedNode())
        var endings: [Key: [FieldAutomaton.Ending]] = [:]
        var children: [Key: Set<State>] = [:]
        var order: [Key] = []
        for state in states.sorted(by: { ($0.name, $0.from, $0.mask) < ($1.name, $1.from, $1.mask) }) {
            let name = names[state.name]
            for end in (state.from + 1)...name.parts.count {
                let bytes = Array(name.parts[state.from..<end].joined(separator: [UInt8(ascii: ".")]))
                let key = Key(bytes: name.ignoresCase ? bytes.map(CaseFolding.fold) : bytes, isFolded: name.ignoresCase)
                if endings[key] == nil, children[key] == nil { order.append(key) }
                if end == name.parts.count {
                    endings[key, default: []].append(
                        FieldAutomaton.Ending(field: Int32(name.field), rank: Int16(name.rank), mask: state.mask))
                } else {
                    children[key, default: []].insert(
                        State(name: state.name, from: end, mask: state.mask | 1 << UInt16(15 - end)))
                }
            }
        }
        var edges: [PlannedEdge] = []
        for key in order {
            edges.append(PlannedEdge(key: key, child: children[key].map { node($0) }, endings: endings[key] ?? []))
        }
        nodes[number].edges = edges
        return number
    }
}
