import EventModel

/// A field name as a path into JSON: the literal dotted key first, then every way to split it, the longer key first
/// (`labels.app.kubernetes.io/name`). Arrays on the way are crossed: all members are looked into.
struct PayloadPath: Sendable {
    /// The work of a look-up grows with the ways to split a name.
    static let maximumParts = 16

    let parts: [[UInt8]]
    private let count: Int
    /// The keys made of the parts from `first` up to, not including, `end`, at `first * (count + 1) + end`.
    private let keys: [[UInt8]]
    let ignoresCase: Bool

    init(_ name: String, ignoresCase: Bool) {
        let parts = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map(Array.init)
        self.parts = parts
        count = parts.count
        var keys = [[UInt8]](repeating: [], count: parts.count * (parts.count + 1))
        for first in parts.indices {
            for end in (first + 1)...parts.count {
                keys[first * (parts.count + 1) + end] = Array(parts[first..<end].joined(separator: [UInt8(ascii: ".")]))
            }
        }
        self.keys = keys
        self.ignoresCase = ignoresCase
    }

    /// Hands every value at this path to `body`, arrays not yet taken apart. Returns whether there was one.
    func forEachValue(in root: JSONValue, _ body: (JSONValue) -> Void) -> Bool { find(in: root, from: 0, body) }

    private func find(in value: JSONValue, from first: Int, _ body: (JSONValue) -> Void) -> Bool {
        if first == count {
            body(value)
            return true
        }
        switch value.kind {
        case .object:
            var end = count
            while end > first {
                if let member = member(keys[first * (count + 1) + end], of: value), find(in: member, from: end, body) {
                    return true
                }
                end -= 1
            }
            return false
        case .array:
            var isFound = false
            for element in value.elements where element.isContainer {
                isFound = find(in: element, from: first, body) || isFound
            }
            return isFound
        default: return false
        }
    }

    @inline(__always)
    private func member(_ key: [UInt8], of object: JSONValue) -> JSONValue? {
        key.withUnsafeBytes { key in
            if let exact = object[key] { return exact }
            guard ignoresCase else { return nil }
            for member in object.members where CaseFolding.areEqual(member.key, key) { return member.value }
            return nil
        }
    }
}
