internal import EventModel

/// All paths of a program as one tree, so that a payload is walked once, whatever the number of paths: members that no
/// path names are stepped over without being looked at.
struct PathTrie: Sendable {
    private struct Node {
        var slot: Int32 = -1
        /// The key table: `tableSize` entries from `table`, a power of two, or 0 when the node has no keys.
        var table: Int32 = 0
        var tableSize: Int32 = 0
        var indexes: Int32 = 0
        var indexCount: Int32 = 0
        var matches: Int32 = 0
        var matchCount: Int32 = 0
    }

    /// A child for the first element whose member `key` is `value`.
    private struct Match: Sendable {
        let key: [UInt8]
        let value: [UInt8]
        let child: Int32
    }

    private struct Entry {
        var keyOffset: Int32 = 0
        var keyLength: Int32 = -1
        var child: Int32 = 0
    }

    private let nodes: [Node]
    private let entries: [Entry]
    private let indexes: [(index: Int32, child: Int32)]
    private let matches: [Match]
    private let keys: [UInt8]
    let slotCount: Int

    init(_ paths: [PayloadPath]) {
        final class Branch {
            var slot: Int32 = -1
            var children: [(step: PayloadPath.Step, branch: Branch)] = []
        }
        let root = Branch()
        for (slot, path) in paths.enumerated() {
            var branch = root
            for step in path.steps {
                if let child = branch.children.first(where: { $0.step == step }) {
                    branch = child.branch
                } else {
                    let child = Branch()
                    branch.children.append((step, child))
                    branch = child
                }
            }
            branch.slot = Int32(slot)
        }
        var nodes: [Node] = []
        var entries: [Entry] = []
        var indexes: [(Int32, Int32)] = []
        var matches: [Match] = []
        var keys: [UInt8] = []
        func add(_ branch: Branch) -> Int32 {
            let number = nodes.count
            nodes.append(Node(slot: branch.slot))
            var keyed: [(key: [UInt8], child: Int32)] = []
            var indexed: [(Int32, Int32)] = []
            var matched: [Match] = []
            for (step, child) in branch.children {
                let childNumber = add(child)
                switch step {
                case .key(let key): keyed.append((key, childNumber))
                case .index(let index): indexed.append((Int32(index), childNumber))
                case .element(let key, let value):
                    matched.append(Match(key: key, value: value, child: childNumber))
                }
            }
            if !keyed.isEmpty {
                var size = 4
                while size < keyed.count * 2 { size *= 2 }
                nodes[number].table = Int32(entries.count)
                nodes[number].tableSize = Int32(size)
                let base = entries.count
                entries.append(contentsOf: repeatElement(Entry(), count: size))
                for (key, child) in keyed {
                    var at = key.withUnsafeBytes { Self.hash($0) } & (size - 1)
                    while entries[base + at].keyLength >= 0 { at = (at + 1) & (size - 1) }
                    entries[base + at] = Entry(
                        keyOffset: Int32(keys.count), keyLength: Int32(key.count), child: child)
                    keys.append(contentsOf: key)
                }
            }
            nodes[number].indexes = Int32(indexes.count)
            nodes[number].indexCount = Int32(indexed.count)
            indexes.append(contentsOf: indexed)
            // The mask of those found has 64 bits; no connector comes near.
            nodes[number].matches = Int32(matches.count)
            nodes[number].matchCount = Int32(min(matched.count, 64))
            matches.append(contentsOf: matched)
            return Int32(number)
        }
        _ = add(root)
        self.nodes = nodes
        self.entries = entries
        self.indexes = indexes
        self.matches = matches
        self.keys = keys
        slotCount = paths.count
    }

    @inline(__always)
    private static func hash(_ key: UnsafeRawBufferPointer) -> Int {
        guard !key.isEmpty else { return 0 }
        return key.count &* 5 &+ Int(key[0]) &* 3 &+ Int(key[key.count - 1]) &* 17 &+ Int(key[key.count >> 1]) &* 7
    }

    /// Puts every value that a path leads to into its slot.
    func walk(_ value: JSONValue, into slots: inout PathSlots) {
        nodes.withUnsafeBufferPointer { nodes in
            entries.withUnsafeBufferPointer { entries in
                keys.withUnsafeBytes { keys in
                    Walk(nodes: nodes, entries: entries, keys: keys, indexes: indexes, matches: matches)
                        .visit(0, value, &slots)
                }
            }
        }
    }

    private struct Walk {
        let nodes: UnsafeBufferPointer<Node>
        let entries: UnsafeBufferPointer<Entry>
        let keys: UnsafeRawBufferPointer
        let indexes: [(index: Int32, child: Int32)]
        let matches: [Match]

        func visit(_ number: Int, _ value: JSONValue, _ slots: inout PathSlots) {
            let node = nodes[number]
            if node.slot >= 0 { slots.set(Int(node.slot), value) }
            if node.tableSize > 0 {
                for member in value.members {
                    guard let child = child(of: node, key: member.key) else { continue }
                    visit(child, member.value, &slots)
                }
            }
            guard node.indexCount > 0 || node.matchCount > 0 else { return }
            var position: Int32 = 0
            var found: UInt64 = 0
            for element in value.elements {
                for at in Int(node.indexes)..<Int(node.indexes + node.indexCount) where indexes[at].index == position {
                    visit(Int(indexes[at].child), element, &slots)
                }
                for at in 0..<Int(node.matchCount) where found & (1 << UInt64(at)) == 0 {
                    let match = matches[Int(node.matches) + at]
                    guard element.hasText(match.value, at: match.key) else { continue }
                    found |= 1 << UInt64(at)
                    visit(Int(match.child), element, &slots)
                }
                position += 1
                // Paths reach at most the first 64 elements.
                guard position < 64 else { return }
            }
        }

        @inline(__always)
        private func child(of node: Node, key: UnsafeRawBufferPointer) -> Int? {
            let mask = Int(node.tableSize) - 1
            var at = PathTrie.hash(key) & mask
            while true {
                let entry = entries[Int(node.table) + at]
                guard entry.keyLength >= 0 else { return nil }
                if Int(entry.keyLength) == key.count,
                    keys.slice(Int(entry.keyOffset)..<Int(entry.keyOffset) + key.count).hasSameBytes(as: key)
                {
                    return Int(entry.child)
                }
                at = (at + 1) & mask
            }
        }
    }
}

extension JSONValue {
    /// Whether a member of an object is this text.
    func hasText(_ text: [UInt8], at key: [UInt8]) -> Bool {
        guard kind == .object, let string = key.withUnsafeBytes({ self[$0] })?.string else { return false }
        return text.withUnsafeBytes { $0.hasSameBytes(as: string) }
    }
}
