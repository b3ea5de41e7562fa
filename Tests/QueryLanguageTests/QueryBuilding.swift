import EventModel
import QueryLanguage

/// The moment at which every test asks: 2026-11-23T12:00:00Z.
let noon = Timestamp(parsing: "2026-11-23T12:00:00Z") ?? Timestamp(rawValue: 0)

func moment(_ text: String) throws -> Timestamp {
    struct NotATime: Error { let text: String }
    guard let moment = Timestamp(parsing: text) else { throw NotATime(text: text) }
    return moment
}

func parse(_ text: String) throws(QueryError) -> Query { try Query(parsing: text, now: noon) }

/// The error of a query that must be refused; nil when it was accepted.
func refusal(_ text: String) -> QueryError? {
    do {
        _ = try parse(text)
        return nil
    } catch {
        return error
    }
}

extension String {
    /// Calls `body` with the text's bytes.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        var copy = self
        return copy.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }
}

/// Small, fast and the same on every machine (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
