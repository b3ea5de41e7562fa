import EventModel
import QueryLanguage

/// Numbers from a seed (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
}

/// Events and filters from one small vocabulary, so that random filters hit often.
struct RandomEvents {
    private var numbers: SeededNumbers
    private var index: UInt64 = 0

    init(seed: UInt64) { numbers = SeededNumbers(seed: seed) }

    private static let words = [
        "octocat", "OctoCat", "svc-a", "svc-b", "github", "github-webhook", "githubby", "push", "repo.push", "é", "É",
        "Kelvin", "\u{212A}elvin", "x", "dead", "beef1", "a_b", "https://a/b?c=1",
        "0192f4a5-58cc-7abc-8def-0123456789ab", "10.1.2.3", "2001:db8::1", "a b", "acme/api", "10", "9", "true",
        "sha256:9f2c", "9f2c",
    ]
    private static let addresses = ["10.0.0.1", "10.1.2.3", "192.168.0.1", "2001:db8::1", "unknown"]
    private static let fields: [Field] = [
        .actorName, .actorID, .actorEmail, .sourceKind, .sourceName, .sourceDelivery, .action, .outcome, .vcsRepo,
        .vcsCommit, .resourceName, .outcomeReason,
    ]
    private static let lists: [Field] = [.artifactDigest, .artifactName, .targetsName]
    static let start = moment("2026-11-01T00:00:00Z")

    mutating func sample() -> Sample {
        // Several bundles, some of them with a single event.
        index += 1 + UInt64(numbers.below(40))
        let time = Self.start.advanced(byNanoseconds: Int64(numbers.below(48)) * 3_600_000_000_000)
        var sample = Sample(index, time.text)
        for field in Self.fields where numbers.below(2) == 0 {
            sample.fields.append((field, [numbers.pick(Self.words)]))
        }
        for field in Self.lists where numbers.below(3) == 0 {
            sample.fields.append((field, (0...numbers.below(3)).map { _ in numbers.pick(Self.words) }))
        }
        if numbers.below(2) == 0 { sample.fields.append((.clientIP, [numbers.pick(Self.addresses)])) }
        if numbers.below(4) == 0 {
            sample.fields.append((.clientChain, (0...numbers.below(2)).map { _ in numbers.pick(Self.addresses) }))
        }
        if numbers.below(2) == 0 { sample.fields.append((.apiStatus, [numbers.pick(["200", "404", "500", "none"])])) }
        if numbers.below(4) == 0 { sample.extensions = [("k", numbers.pick(Self.words))] }
        sample.payload = payload()
        return sample
    }

    private mutating func payload() -> String {
        switch numbers.below(9) {
        case 0: return "plain text with \(numbers.pick(Self.words)) inside"
        case 1: return ""
        case 2: return #"[{"a":"\#(numbers.pick(Self.words))"},{"a":\#(numbers.below(12))}]"#
        case 3: return #"{"a.b":"\#(numbers.pick(Self.words))","a":{"b":"\#(numbers.pick(Self.words))"}}"#
        // The same key plain, escaped, in other case, and as a value.
        case 4: return #"{"a":{"\#(numbers.pick(["token", #"to\u006ben"#, "Token", "b"]))":\#(json(1))},"b":"token"}"#
        case 5: return #"{"\#(numbers.pick(["a.token", "token", #"tok\u0065n"#]))":\#(json(1))}"#
        case 6:
            return
                #"{"a":{"b":"\u0\#(numbers.pick(["070ush", "06fctocat"]))","token":"x\n\#(numbers.pick(["push", "9f2c"]))"},"n":1e1}"#
        default: return #"{"a":\#(json(3)),"n":\#(numbers.below(20)),"b":\#(json(2))}"#
        }
    }

    private mutating func json(_ depth: Int) -> String {
        switch numbers.below(depth > 0 ? 8 : 6) {
        case 0: return "null"
        case 1: return numbers.pick(["true", "false"])
        case 2: return "\(numbers.below(20))"
        case 3, 4, 5: return "\"\(numbers.pick(Self.words))\""
        case 6: return #"{"b":\#(json(depth - 1)),"a":\#(json(depth - 1))}"#
        default: return "[" + (0..<numbers.below(3)).map { _ in json(depth - 1) }.joined(separator: ",") + "]"
        }
    }

    // MARK: Filters

    /// The text of a filter; what does not parse is left out by the caller.
    mutating func filter(depth: Int = 3) -> String {
        guard depth > 0 else { return term() }
        switch numbers.below(8) {
        case 0, 1: return "(\(filter(depth: depth - 1)) OR \(filter(depth: depth - 1)))"
        case 2, 3: return "(\(filter(depth: depth - 1)) \(filter(depth: depth - 1)))"
        case 4: return "-(\(filter(depth: depth - 1)))"
        default: return term()
        }
    }

    private mutating func term() -> String {
        let word = numbers.pick(Self.words)
        let quoted = "\"\(word)\""
        let field = numbers.pick([
            "actor", "actor.name", "source", "source.kind", "source.delivery", "action", "outcome", "repo", "commit",
            "artifact", "resource", "targets.name", "artifact.digest", "outcome_reason", "ext.k", "raw.a", "raw.a.b",
            "raw.b",
            "raw.n", "raw.a.b.a", "raw.a.token", "raw.token",
        ])
        switch numbers.below(14) {
        case 0: return "\(field):*"
        case 1, 2: return "\(field):\(quoted)"
        case 3: return "\(field):=\(quoted)"
        case 4: return "\(field):(\(quoted) OR \"\(numbers.pick(Self.words))\")"
        case 5: return "\(field):\(numbers.pick(["*c*", "oct*", "?it*", "*a", "g*b", "*"]))"
        case 6: return "\(field):/\(numbers.pick(["^oct", "a$", "[0-9]+", "hub"]))/"
        case 7: return "api.status:\(numbers.pick([">=404", "200..404", "<300", "404"]))"
        case 8: return "ip:\(numbers.pick(["10.0.0.0/8", "10.0.0.1", "::/0", "2001:db8::/32"]))"
        case 9:
            return
                "time:\(numbers.pick([">=2026-11-02", "2026-11-01", "<2026-11-01T10:00:00Z", "2026-11-01..2026-11-02"]))"
        case 10: return "raw.n:\(numbers.pick([">9", "<=10", "10"]))"
        case 11: return quoted
        case 12:
            return numbers.pick([
                "octocat", "svc", "kelvin", "push", "github*", "*cat", "*tocat*", "10", "é", "58cc", "*58c*", "9f2*",
                "*bef*", "a_*", "0192f4a5*", "\"b?c\"", "acme/api", "*me/ap*", "dead", "*Lvi*", "ttab",
            ])
        default: return "index:\(numbers.pick([">20", "<=9", "12"]))"
        }
    }
}
