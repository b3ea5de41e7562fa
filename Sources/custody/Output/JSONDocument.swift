import EventModel

/// Reads the server's answers and files of our own.
enum JSONDocument {
    /// No honest answer comes near the bytes; the keys are the most that a parser counts. Answers that hold many events are
    /// read event by event: ``SearchPage``.
    private static let limits = JSONLimits(bytes: 1 << 30, depth: 128, keys: 65_534)

    /// Parses one document; its values are valid inside `body` only.
    static func read<Result>(_ bytes: [UInt8], _ body: (JSONValue) throws -> Result) throws -> Result {
        try bytes.withUnsafeBytes { try JSONParser(limits: limits).withDocument($0, body) }
    }

    /// One line of NDJSON that is safe to show.
    static func line(_ value: JSONValue) -> [UInt8] {
        var bytes: [UInt8] = []
        JSONText.append(value, to: &bytes)
        bytes = VisibleText.ofJSON(bytes)
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }
}

extension JSONValue {
    /// The value at a path of member names: `actor.name`.
    func value(at path: String) -> JSONValue? {
        var value = self
        for name in path.split(separator: ".") {
            guard let next = value[String(name)] else { return nil }
            value = next
        }
        return value
    }

    /// The text of the value at a path: a scalar's, or the texts of an array's scalars with commas; empty when absent.
    func text(_ path: String) -> String {
        guard let value = value(at: path) else { return "" }
        guard value.kind == .array else { return value.scalarText ?? "" }
        return value.elements.compactMap(\.scalarText).joined(separator: ", ")
    }
}
