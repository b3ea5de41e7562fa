import EventModel
import QueryLanguage

/// Finds the values at a `raw.PATH` of a payload.
///
/// At each object the remaining segments joined by dots are tried as one key, longest first, then shorter ones with the rest
/// looked up inside; the first reading that leads to a value is taken. Arrays are crossed at every level: each of their
/// members is looked into. `null` and an empty array are no values; an object is one, without text.
struct PayloadLookup: Sendable {
    /// `keys[i][n]` is segments `i...i+n`, joined.
    let keys: [[[UInt8]]]
    /// A key that must be in every payload that has a value here, whichever reading is right: the last segment.
    let lastSegment: [UInt8]

    init(_ path: PayloadPath) {
        keys = path.segments.indices.map { first in
            (first..<path.segments.count).map { Array(path.segments[first...$0].joined(separator: ".").utf8) }
        }
        lastSegment = Array((path.segments.last ?? "").utf8)
    }

    /// Calls `body` for each value, in document order. Return false from `body` to stop.
    ///
    /// Cost: each object on the way is searched once for each way to split the path; nothing is visited twice.
    func visit(_ root: JSONValue, _ body: (JSONValue) -> Bool) {
        var goesOn = true
        visit(root, 0, &goesOn, body)
    }

    /// The first value, in document order.
    func first(_ root: JSONValue) -> JSONValue? {
        var found: JSONValue?
        visit(root) { value in
            found = value
            return false
        }
        return found
    }

    /// Returns whether a value was found.
    @discardableResult
    private func visit(_ value: JSONValue, _ segment: Int, _ goesOn: inout Bool, _ body: (JSONValue) -> Bool) -> Bool {
        switch value.kind {
        case .array:
            var hasFound = false
            for element in value.elements where goesOn {
                if visit(element, segment, &goesOn, body) { hasFound = true }
            }
            return hasFound
        case .null: return false
        case .object where segment < keys.count:
            for length in keys[segment].indices.reversed() {
                let member = keys[segment][length].withUnsafeBytes { value[$0] }
                if let member, visit(member, segment + length + 1, &goesOn, body) { return true }
            }
            return false
        default:
            guard segment == keys.count else { return false }
            goesOn = body(value)
            return true
        }
    }
}
