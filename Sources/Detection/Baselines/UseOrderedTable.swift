/// A table that knows in which order its entries were used, and gives up the one that was used the longest ago. What it
/// holds and in which order is a function of the calls alone: no seed of a hash shows in it.
struct UseOrderedTable<Value> {
    private struct Node {
        let key: ValueDigest
        var value: Value
        var older: Int32
        var newer: Int32
    }

    private var places: [ValueDigest: Int32] = [:]
    private var nodes: [Node?] = []
    private var free: [Int32] = []
    private var oldest: Int32 = -1
    private var newest: Int32 = -1

    var count: Int { places.count }

    /// Lets `body` change the entry of a key, which becomes the one used last; nil when there is none.
    mutating func use<Result>(_ key: ValueDigest, _ body: (inout Value) -> Result) -> Result? {
        guard let place = places[key] else { return nil }
        if place != newest {
            unlink(place)
            link(place)
        }
        // In place: a copy of the entry would make its changes copy its memory.
        return body(&nodes[Int(place)]!.value)
    }

    /// The entry of a key, without using it.
    func peek(_ key: ValueDigest) -> Value? { places[key].flatMap { nodes[Int($0)]?.value } }

    /// Adds an entry as the one used last. The key must not be there.
    mutating func insert(_ key: ValueDigest, _ value: Value) {
        let node = Node(key: key, value: value, older: -1, newer: -1)
        let place: Int32
        if let reused = free.popLast() {
            place = reused
            nodes[Int(place)] = node
        } else {
            place = Int32(nodes.count)
            nodes.append(node)
        }
        places[key] = place
        link(place)
    }

    @discardableResult
    mutating func remove(_ key: ValueDigest) -> Value? {
        guard let place = places.removeValue(forKey: key) else { return nil }
        unlink(place)
        defer { nodes[Int(place)] = nil }
        free.append(place)
        return nodes[Int(place)]?.value
    }

    /// Removes the entry that was used the longest ago.
    mutating func removeOldest() -> Value? { oldest < 0 ? nil : nodes[Int(oldest)].flatMap { remove($0.key) } }

    /// The entry that was used the longest ago.
    var oldestValue: Value? { oldest < 0 ? nil : nodes[Int(oldest)]?.value }

    /// Lets `body` change every entry, without using it.
    mutating func update(_ body: (inout Value) -> Void) {
        for place in nodes.indices where nodes[place] != nil { body(&nodes[place]!.value) }
    }

    /// All entries, the one used the longest ago first.
    func forEach(_ body: (ValueDigest, Value) throws -> Void) rethrows {
        var place = oldest
        while place >= 0, let node = nodes[Int(place)] {
            try body(node.key, node.value)
            place = node.newer
        }
    }

    private mutating func link(_ place: Int32) {
        nodes[Int(place)]?.older = newest
        nodes[Int(place)]?.newer = -1
        if newest >= 0 { nodes[Int(newest)]?.newer = place } else { oldest = place }
        newest = place
    }

    private mutating func unlink(_ place: Int32) {
        guard let node = nodes[Int(place)] else { return }
        if node.older >= 0 { nodes[Int(node.older)]?.newer = node.newer } else { oldest = node.newer }
        if node.newer >= 0 { nodes[Int(node.newer)]?.older = node.older } else { newest = node.older }
    }
}
