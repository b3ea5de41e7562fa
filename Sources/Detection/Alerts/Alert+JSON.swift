package import EventModel

extension Alert {
    /// Appends the alert as a JSON object: what `/v1/alerts`, `custody alert --json` and notifications show.
    ///
    /// - Parameters:
    ///   - evidence: Leaf indexes to list with it; nil leaves the member out.
    ///   - activity: What happened to it; nil leaves the member out.
    package func appendJSON(
        evidence: [LeafIndex]? = nil, activity: [AlertActivity]? = nil, to output: inout [UInt8]
    ) {
        var writer = AlertJSONWriter(output: [])
        swap(&writer.output, &output)
        defer { swap(&writer.output, &output) }
        writer.open("{")
        writer.text("id", id)
        writer.text("rule", ruleKey)
        writer.text("title", ruleTitle)
        writer.text("rule_sha256", ruleHash)
        writer.number("rule_version", ruleVersion)
        writer.text("kind", kind.rawValue)
        writer.text("severity", severity.rawValue)
        writer.text("status", status.rawValue)
        writer.text("first_seen", firstSeen.text)
        writer.text("last_seen", lastSeen.text)
        writer.number("count", count)
        if silenced > 0 { writer.number("silenced", silenced) }
        writer.text("entity", entity)
        if let incident { writer.text("incident", incident) }
        if !sourceKind.isEmpty { writer.text("source_kind", sourceKind) }
        if !sourceName.isEmpty { writer.text("source_name", sourceName) }
        if let owner { writer.text("owner", owner) }
        writer.key("group")
        writer.open("{")
        // A field that the event lacks has no value; the fingerprint still knows of it.
        for value in group where !value.value.isEmpty { writer.text(value.name, value.value) }
        writer.close("}")
        writer.texts("explanation", explanation)
        writer.texts("tags", tags)
        if let runbook { writer.text("runbook", runbook) }
        if let assignee { writer.text("assignee", assignee) }
        if let verdict { writer.text("verdict", verdict.rawValue) }
        if let comment { writer.text("comment", comment) }
        if let evidence { writer.numbers("evidence", evidence.map(\.rawValue)) }
        writer.number("unlisted_evidence", unlistedEvidence)
        if let activity { writer.activity(activity) }
        writer.text("created", created.text)
        writer.text("updated", updated.text)
        writer.close("}")
    }
}

/// Writes members one after another and keeps count of the commas.
private struct AlertJSONWriter {
    var output: [UInt8]
    private var needsComma = false

    init(output: [UInt8]) { self.output = output }

    mutating func open(_ bracket: Character) {
        output.append(contentsOf: String(bracket).utf8)
        needsComma = false
    }

    mutating func close(_ bracket: Character) {
        output.append(contentsOf: String(bracket).utf8)
        needsComma = true
    }

    mutating func key(_ name: String) {
        if needsComma { output.append(UInt8(ascii: ",")) }
        JSONText.appendString(name, to: &output)
        output.append(UInt8(ascii: ":"))
        needsComma = true
    }

    mutating func text(_ name: String, _ value: String) {
        key(name)
        JSONText.appendString(value, to: &output)
    }

    mutating func number(_ name: String, _ value: Int64) {
        key(name)
        output.append(contentsOf: String(value).utf8)
    }

    mutating func texts(_ name: String, _ values: [String]) {
        key(name)
        open("[")
        for (position, value) in values.enumerated() {
            if position > 0 { output.append(UInt8(ascii: ",")) }
            JSONText.appendString(value, to: &output)
        }
        close("]")
    }

    mutating func activity(_ entries: [AlertActivity]) {
        key("activity")
        open("[")
        for entry in entries {
            if needsComma { output.append(UInt8(ascii: ",")) }
            open("{")
            text("time", entry.time.text)
            text("kind", entry.kind.rawValue)
            if let actor = entry.actor { text("actor", actor) }
            if let detail = entry.detail { text("detail", detail) }
            close("}")
        }
        close("]")
    }

    mutating func numbers(_ name: String, _ values: [UInt64]) {
        key(name)
        output.append(contentsOf: "[\(values.map(String.init).joined(separator: ","))]".utf8)
    }
}
