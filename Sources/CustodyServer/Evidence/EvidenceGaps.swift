import EventModel

/// What a pack's exporter states that it does not cover, in words.
package enum EvidenceGaps {
    /// One text for each gap; none when the statement names none.
    ///
    /// - Parameter coverage: The JSON text of ``EvidenceReport/coverage``.
    package static func texts(of coverage: [UInt8]) -> [String] {
        let parser = JSONParser(limits: JSONLimits(bytes: EvidenceFormat.maximumLineBytes, depth: 8, keys: 10_000))
        return (try? parser.withDocument(coverage) { texts(of: $0) }) ?? ["the statement of coverage cannot be read"]
    }

    private static func texts(of value: JSONValue) -> [String] {
        func count(_ name: String) -> Int64 { value[name]?.int64 ?? 0 }
        func isSet(_ name: String) -> Bool { value[name]?.bool ?? false }
        func names(_ name: String) -> String {
            (value[name].map { Array($0.elements) } ?? []).compactMap { $0.string?.text }.joined(separator: ", ")
        }
        var texts: [String] = []
        let since = value["since"]?.string?.text
        let until = value["until"]?.string?.text
        if since != nil || until != nil {
            texts.append("events before \(since ?? "the beginning") and from \(until ?? "the end") on")
        }
        if count("not_under_checkpoint") > 0 {
            texts.append("\(count("not_under_checkpoint")) hits that no checkpoint covered yet")
        }
        if isSet("truncated") { texts.append("hits after the last one here: the pack ended at its limit") }
        if isSet("restricted") { texts.append("events that the exporter may not see") }
        if isSet("own_audit_left_out") { texts.append("what people did with Custody itself (source:custody)") }
        if count("destroyed") > 0 {
            texts.append("\(count("destroyed")) hits that were destroyed, in part or as a whole")
        }
        let withheld = names("withheld_groups")
        if !withheld.isEmpty { texts.append("the groups \(withheld), shown by their hashes alone") }
        let silent = names("silent_sources")
        if !silent.isEmpty { texts.append("sources without any event in the period: \(silent)") }
        return texts
    }
}
