package import EventModel

/// Matches rules against a file of events, one JSON document a line: what `custody rule match` prints.
package struct EventFileMatcher {
    package struct Match: Hashable, Sendable {
        /// The rule's id, else its name, else its title.
        package let rule: String
        /// The event's place among the events of the file, from 0. Blank lines do not count.
        package let position: Int
    }

    package struct Result: Sendable {
        package fileprivate(set) var matches: [Match] = []
        /// Lines that are no JSON, by position, with the reason.
        package fileprivate(set) var unreadable: [(position: Int, reason: String)] = []
        package fileprivate(set) var events = 0
    }

    private let engine: DetectionEngine

    package init(_ ruleSet: RuleSet) { engine = DetectionEngine(ruleSet) }

    /// - Parameters:
    ///   - events: NDJSON.
    ///   - ignoreLogsource: Evaluate every rule on every event. Otherwise a rule sees the events of its own sources.
    ///   - seal: Makes the sealed form of a payload, as its connector would; it gives the events their source and their
    ///     canonical fields. Without it rules see payloads only, and without `ignoreLogsource` nothing matches then.
    package func match(
        _ events: UnsafeRawBufferPointer, ignoreLogsource: Bool,
        seal: ((UnsafeRawBufferPointer, JSONValue) throws -> [UInt8]?)? = nil
    ) -> Result {
        var result = Result()
        let parser = JSONParser()
        var start = 0
        while start < events.count {
            let end = events[start...].firstIndex(of: UInt8(ascii: "\n")) ?? events.count
            let line = events.slice(start..<end)
            start = end + 1
            guard line.contains(where: { $0 > 0x20 }) else { continue }
            let position = result.events
            result.events += 1
            do {
                try parser.withDocument(line) { payload in
                    let sealed = try seal?(line, payload)
                    for match in try self.matches(payload, sealed, ignoreLogsource) {
                        result.matches.append(Match(rule: match.rule.key, position: position))
                    }
                }
            } catch {
                result.unreadable.append((position, String(describing: error)))
            }
        }
        return result
    }

    private func matches(_ payload: JSONValue, _ sealed: [UInt8]?, _ ignoreLogsource: Bool) throws -> [RuleMatch] {
        var matches: [RuleMatch] = []
        let index = LeafIndex(0)
        guard let sealed else {
            if ignoreLogsource { engine.evaluateIgnoringSource(payload: payload, index: index, into: &matches) }
            return matches
        }
        try sealed.withUnsafeBytes { bytes in
            let view = try SealedView(bytes)
            if ignoreLogsource {
                engine.evaluateIgnoringSource(payload: payload, view: view, index: index, into: &matches)
            } else {
                engine.evaluate(view, payload: payload, index: index, into: &matches)
            }
        }
        return matches
    }
}
