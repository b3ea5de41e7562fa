package import EventModel

/// Matches rules against a file of events, one JSON document a line: what `custody rule match` prints.
package struct EventFileMatcher {
    package struct Match: Hashable, Sendable {
        /// The rule's id, else its name, else its title.
        package let rule: String
        /// The event's place among the events of the file, from 0. Blank lines do not count.
        package let position: Int
        /// The group's values and the time, for what an operator found; nil for the match of a single event.
        package let finding: Finding?

        package struct Finding: Hashable, Sendable {
            package let group: [String]
            package let time: Timestamp
        }
    }

    package struct Result: Sendable {
        package fileprivate(set) var matches: [Match] = []
        /// Lines that are no JSON, by position, with the reason.
        package fileprivate(set) var unreadable: [(position: Int, reason: String)] = []
        package fileprivate(set) var events = 0
    }

    private let engine: DetectionEngine

    /// - Parameter limits: Memory of correlations and baselines.
    package init(_ ruleSet: RuleSet, limits: StateLimits = StateLimits()) {
        engine = DetectionEngine(ruleSet, limits: limits)
    }

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
                    for match in try self.matches(payload, sealed, LeafIndex(UInt64(position)), ignoreLogsource) {
                        result.matches.append(
                            Match(
                                rule: match.rule.key, position: Int(match.index.rawValue),
                                finding: match.rule.definition.map { _ in
                                    Match.Finding(group: match.group.map(\.value), time: match.time)
                                }))
                    }
                }
            } catch {
                result.unreadable.append((position, String(describing: error)))
            }
        }
        return result
    }

    private func matches(
        _ payload: JSONValue, _ sealed: [UInt8]?, _ index: LeafIndex, _ ignoreLogsource: Bool
    ) throws -> [RuleMatch] {
        var matches: [RuleMatch] = []
        guard let sealed else {
            if ignoreLogsource {
                engine.evaluateIgnoringSource(
                    payload: payload, time: Self.time(payload, nil), index: index, into: &matches)
            }
            return matches
        }
        try sealed.withUnsafeBytes { bytes in
            let view = try SealedView(bytes)
            if ignoreLogsource {
                engine.evaluateIgnoringSource(
                    payload: payload, view: view, time: Self.time(payload, view), index: index, into: &matches)
            } else {
                engine.evaluate(view, payload: payload, time: Self.time(payload, view), index: index, into: &matches)
            }
        }
        return matches
    }

    private static let timeNames: [StaticString] = ["timestamp", "@timestamp", "time", "eventTime", "created_at"]

    /// When an event of a file happened. Files have no time of receipt: a payload that says when, in a name that many use, is
    /// believed before the connector that recognised it.
    private static func time(_ payload: JSONValue, _ view: SealedView?) -> Timestamp {
        for name in timeNames {
            if let text = payload[name]?.string, let time = Timestamp(parsing: text) { return time }
        }
        return view?.time(.time) ?? view?.received ?? Timestamp(rawValue: 0)
    }
}
