import EventModel

@testable import Detection

/// Rules with a baseline, and events for them.
enum BaselineSamples {
    static let start: Int64 = 1_767_600_000
    static let day: Int64 = 86_400

    /// A rule on every event that has an action, with the given baseline.
    static func rule(_ baseline: String, title: String = "sample", level: String = "medium") -> String {
        """
        title: \(title)
        level: \(level)
        logsource: {category: supply_chain}
        detection: {s: {custody.action: act}, condition: s}
        custody: {baseline: {\(baseline)}}

        """
    }

    /// One event, seconds after the start.
    struct Event {
        var seconds: Int64
        var actor = "ada"
        var value: String?
        var action = "act"
        var ip: String?
        /// Seconds after the start; the event's own time when nil.
        var received: Int64?
    }

    /// What an engine raises for events, one after another, from a leaf on.
    static func matches(_ engine: DetectionEngine, _ events: [Event], from first: UInt64 = 0) throws -> [RuleMatch] {
        var matches: [RuleMatch] = []
        for (place, event) in events.enumerated() {
            let time = Timestamp(seconds: start + event.seconds)
            var record = EventRecord()
            record.set(.time, time: time)
            record.set(.received, time: event.received.map { Timestamp(seconds: start + $0) } ?? time)
            record.set(.action, event.action)
            record.set(.actorName, event.actor)
            if let value = event.value { record.set(.resourceName, value) }
            if let ip = event.ip { record.set(.clientIP, ip) }
            var sealed: [UInt8] = []
            Array("{}".utf8).withUnsafeBytes { _ = SealedForm.append(&record, payload: $0, to: &sealed) }
            try sealed.withUnsafeBytes {
                engine.evaluate(
                    try SealedView($0), payload: nil, index: LeafIndex(first + UInt64(place)), into: &matches)
            }
        }
        return matches
    }

    static func engine(_ rules: String, bytes: Int? = nil) -> DetectionEngine {
        var limits = StateLimits()
        if let bytes { limits.operatorBytes = bytes }
        return DetectionEngine(Samples.rules(rules), limits: limits)
    }
}

/// Random numbers from a seed, for streams of events that are the same every time.
struct SeededNumbers {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
    mutating func pick<Element>(_ list: [Element]) -> Element { list[below(list.count)] }
}
