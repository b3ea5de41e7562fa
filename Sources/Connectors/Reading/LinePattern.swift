internal import EventModel

/// One form that a source's lines of text have: an RE2 expression whose named groups become the members of the object that
/// the connector's paths speak of.
///
/// The payload stays the line itself. The object has a member `line`, the whole line, and one for each group that took part
/// and is not empty; `is` adds constants.
struct LinePattern: Sendable {
    private let pattern: Pattern
    private let names: [String?]
    private let constants: [(name: String, value: String)]

    /// - Throws: A reason when the expression is not RE2's.
    init(_ expression: String, constants: [(name: String, value: String)] = []) throws(Pattern.InvalidPattern) {
        pattern = try Pattern(expression)
        names = Self.groupNames(of: expression)
        self.constants = constants
    }

    /// The object for a line; nil when the line has another form.
    func document(of line: UnsafeRawBufferPointer) -> [UInt8]? {
        guard let groups = pattern.groups(in: line, count: names.count) else { return nil }
        var object = Self.begin(line)
        for (name, range) in zip(names, groups) {
            guard let name, let range, !range.isEmpty else { continue }
            Self.append(name, line.slice(range), to: &object)
        }
        for (name, value) in constants {
            Array(value.utf8).withUnsafeBytes { Self.append(name, $0, to: &object) }
        }
        object.append(UInt8(ascii: "}"))
        return object
    }

    /// The object for a line of no known form.
    static func document(ofUnknown line: UnsafeRawBufferPointer) -> [UInt8] { begin(line) + [UInt8(ascii: "}")] }

    private static func begin(_ line: UnsafeRawBufferPointer) -> [UInt8] {
        var object: [UInt8] = []
        object.reserveCapacity(line.count * 2 + 64)
        object.append(contentsOf: "{\"line\":".utf8)
        JSONText.appendString(line, to: &object)
        return object
    }

    private static func append(_ name: String, _ value: UnsafeRawBufferPointer, to object: inout [UInt8]) {
        object.append(contentsOf: ",\"\(name)\":".utf8)
        JSONText.appendString(value, to: &object)
    }

    /// The name of each capturing group, in order; nil for groups without one.
    static func groupNames(of expression: String) -> [String?] {
        var names: [String?] = []
        var rest = Substring(expression)
        var isInClass = false
        while let character = rest.popFirst() {
            switch character {
            case "\\": _ = rest.popFirst()
            case "[" where !isInClass:
                isInClass = true
                // A bracket that comes first in a class is a member of it.
                if rest.first == "^" { rest.removeFirst() }
                if rest.first == "]" { rest.removeFirst() }
            case "]": isInClass = false
            case "(" where !isInClass:
                if rest.hasPrefix("?P<") {
                    names.append(String(rest.dropFirst(3).prefix { $0 != ">" }))
                } else if !rest.hasPrefix("?") {
                    names.append(nil)
                }
            default: break
            }
        }
        return names
    }
}
