import EventModel

/// The event that a build step becomes, under the names that the connector `generic` reads.
struct RunRecord {
    let key: String
    let start: Timestamp
    let durationMilliseconds: Int64
    let status: Int32
    /// Nil when the words are not to be recorded.
    let command: [String]?
    let identity: BuildIdentity
    let host: String?
    let directory: String
    let inputs: [FileDigests.Entry]
    let outputs: [FileDigests.Entry]
    /// Why outputs could not be digested.
    let warning: String?

    var json: [UInt8] {
        var json: [UInt8] = [UInt8(ascii: "{")]
        func name(_ name: String) {
            if json.count > 1, json.last != UInt8(ascii: "{") { json.append(UInt8(ascii: ",")) }
            JSONText.appendString(name, to: &json)
            json.append(UInt8(ascii: ":"))
        }
        func text(_ label: String, _ value: String?) {
            guard let value else { return }
            name(label)
            JSONText.appendString(value, to: &json)
        }
        func number(_ label: String, _ value: Int64) {
            name(label)
            json.append(contentsOf: String(value).utf8)
        }
        func files(_ label: String, _ entries: [FileDigests.Entry]) {
            guard !entries.isEmpty else { return }
            name(label)
            json.append(UInt8(ascii: "["))
            for (position, entry) in entries.enumerated() {
                if position > 0 { json.append(UInt8(ascii: ",")) }
                json.append(UInt8(ascii: "{"))
                text("name", entry.path)
                text("digest", "sha256:" + entry.digest)
                number("size", entry.size)
                json.append(UInt8(ascii: "}"))
            }
            json.append(UInt8(ascii: "]"))
        }
        text("id", "run-" + key)
        text("time", start.text)
        text("action", "step.finish")
        text("activity", "execute")
        text("category", "ci")
        text("outcome", status == 0 ? "success" : "failure")
        text("outcome_code", String(status))
        number("duration_ms", durationMilliseconds)
        if let command {
            name("command")
            json.append(UInt8(ascii: "["))
            for (position, word) in command.enumerated() {
                if position > 0 { json.append(UInt8(ascii: ",")) }
                JSONText.appendString(word, to: &json)
            }
            json.append(UInt8(ascii: "]"))
            text("operation", command.first)
        }
        for (label, value) in identity.members { text(label, value) }
        text("host", host)
        text("directory", directory)
        text("warning", warning)
        files("inputs", inputs)
        files("artifacts", outputs)
        json.append(UInt8(ascii: "}"))
        return json
    }
}
