import EventModel

/// The keys of payloads as a tree, each path with a number: 0 is the root, the others count up as they appear. Its owner calls
/// ``free()``.
///
/// Payloads of one source have their keys in one order. So each path remembers which one came behind it, and where that comes
/// again, a comparison finds it without a hash.
struct PathTree {
    static let root: UInt32 = 0

    private struct Node: BitwiseCopyable {
        let parent: UInt32
        /// The last key, in `keys`.
        let start: Int
        let length: UInt32
        /// The path that was asked for behind this one last time; the root, which nobody asks for, before that.
        var follower = root
    }

    private let seed = UInt64.random(in: .min ... .max)
    private var nodes = GrowableMemory<Node>()
    private var slots = SlotTable()
    private var keys = GrowableMemory<UInt8>(capacity: 1 << 12)
    /// The path that was asked for last.
    private var last = root

    init() { nodes.append(Node(parent: Self.root, start: 0, length: 0)) }

    func free() {
        nodes.free()
        slots.free()
        keys.free()
    }

    /// Forgets everything but keeps the memory.
    mutating func removeAll() {
        nodes.removeAll()
        nodes.append(Node(parent: Self.root, start: 0, length: 0))
        slots.removeAll()
        keys.removeAll()
        last = Self.root
    }

    /// Paths besides the root.
    var count: Int { nodes.count - 1 }

    /// Says that the next paths are those of another document.
    mutating func beginDocument() { last = Self.root }

    /// The path of a key below a path.
    @inline(__always)
    mutating func child(of parent: UInt32, _ key: UnsafeRawBufferPointer) -> UInt32 {
        let guess = (nodes.start + Int(last)).pointee.follower
        if guess != Self.root, isPath(guess, key, below: parent) {
            last = guess
            return guess
        }
        return find(key, below: parent)
    }

    private mutating func find(_ key: UnsafeRawBufferPointer, below parent: UInt32) -> UInt32 {
        let hash = TokenHash.of(key, seed: seed ^ UInt64(parent) &* 0x9E37_79B9_7F4A_7C15)
        let number: UInt32
        switch slots.find(hash, { isPath($0 + 1, key, below: parent) }) {
        case .known(let position): number = position + 1
        case .free(let place):
            slots.insert(hash, at: place)
            number = UInt32(nodes.count)
            nodes.append(Node(parent: parent, start: keys.count, length: UInt32(key.count)))
            keys.append(bytes: key)
        }
        (nodes.start + Int(last)).pointee.follower = number
        last = number
        return number
    }

    @inline(__always)
    private func isPath(_ number: UInt32, _ key: UnsafeRawBufferPointer, below parent: UInt32) -> Bool {
        let node = nodes[Int(number)]
        return node.parent == parent && self.key(node).hasSameBytes(as: key)
    }

    @inline(__always)
    private func key(_ node: Node) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: keys.start + node.start, count: Int(node.length))
    }

    /// The keys from the root, each a varint length and its bytes.
    func name(_ number: UInt32) -> [UInt8] {
        guard number != Self.root else { return [] }
        let node = nodes[Int(number)]
        var name = name(node.parent)
        Varint.append(UInt64(node.length), to: &name)
        name.append(contentsOf: key(node))
        return name
    }
}
