/// Says for four bytes whether something to redact may begin there, and what. Its ``filter`` says it faster and less exactly.
struct TriggerTable: Sendable {
    struct Triggers: OptionSet {
        let rawValue: UInt8
        static let name = Triggers(rawValue: 1)
        static let provider = Triggers(rawValue: 2)
        static let url = Triggers(rawValue: 4)
        static let jwt = Triggers(rawValue: 8)
        static let privateKey = Triggers(rawValue: 16)
        static let scheme = Triggers(rawValue: 32)
        static let shaped = Triggers(rawValue: 64)
        static let escape = Triggers(rawValue: 128)
    }

    private static let bits = 14

    /// Knows the same four bytes.
    private(set) var filter = TrigramFilter()
    private(set) var flags = [UInt8](repeating: 0, count: 1 << bits)
    /// For each slot, the patterns whose anchor falls there; one is the rule.
    private(set) var patterns: [Int: [Int]] = [:]

    init() {
        for name in ["pass", "secr", "toke", "cred", "auth", "cook"] { add(name, .name) }
        // Stems of three letters, whatever follows that a name can go on or end with: `apiKeyProd`, `api_key=`, `pwd":`.
        for end in UInt8(0)...0x7E where CharacterClass.isName(end) || CharacterClass.endsName(end) {
            for stem in ["key", "pwd"] { add(Array(stem.utf8) + [end], .name) }
        }
        for (number, pattern) in ProviderPattern.all.enumerated() {
            let literal = Array(pattern.literal.description.utf8)
            let slot = add(Array(literal[pattern.anchor..<pattern.anchor + 4]), .provider)
            patterns[slot, default: []].append(number)
        }
        add("\\u00", .escape)
        add(":\\/\\", .escape)
        add("begi", .privateKey)
        add("lasv", .shaped)
        for scheme in ["bear", "basi"] { add(scheme, .scheme) }
        for byte in UInt8(0x21)...0x7E where byte != UInt8(ascii: "\"") {
            let end = String(UnicodeScalar(byte))
            add("://" + end, .url)
            guard CharacterClass.isBase64URL(byte) else { continue }
            add("eyj" + end, .jwt)
            for start in ["sg.", "sk-", ":aa"] { add(start + end, .shaped) }
        }
    }

    private mutating func add(_ text: String, _ trigger: Triggers) { add(Array(text.utf8), trigger) }

    @discardableResult
    private mutating func add(_ bytes: [UInt8], _ trigger: Triggers) -> Int {
        let word = bytes.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let slot = Self.slot(of: word)
        flags[slot] |= trigger.rawValue
        filter.insert(word)
        return slot
    }

    /// The slot of four bytes in little-endian order, letters without regard to case.
    @inline(__always)
    static func slot(of word: UInt32) -> Int {
        Int(truncatingIfNeeded: ((word | 0x2020_2020) &* 0x9E37_79B1) >> UInt32(32 - bits))
    }
}
