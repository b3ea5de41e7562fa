import EventModel

/// Writes one JSON object, member by member.
struct JSONObject {
    private(set) var bytes: [UInt8] = [UInt8(ascii: "{")]

    mutating func add(_ name: String, _ value: String?) {
        guard let value else { return }
        key(name)
        JSONText.appendString(value, to: &bytes)
    }

    mutating func add(_ name: String, _ value: Int?) {
        guard let value else { return }
        add(name, raw: String(value).utf8)
    }

    mutating func add(_ name: String, _ value: Bool) { add(name, raw: (value ? "true" : "false").utf8) }

    mutating func add(_ name: String, _ values: [String]) {
        key(name)
        bytes.append(UInt8(ascii: "["))
        for (number, value) in values.enumerated() {
            if number > 0 { bytes.append(UInt8(ascii: ",")) }
            JSONText.appendString(value, to: &bytes)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    /// Adds a member whose value is JSON text already.
    mutating func add(_ name: String, raw text: some Sequence<UInt8>) {
        key(name)
        bytes.append(contentsOf: text)
    }

    /// The object's text.
    var text: [UInt8] { bytes + [UInt8(ascii: "}")] }
    /// The object as a line of NDJSON that is safe to show.
    var line: [UInt8] { VisibleText.ofJSON(text) + [UInt8(ascii: "\n")] }

    private mutating func key(_ name: String) {
        if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
        JSONText.appendString(name, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
    }
}
