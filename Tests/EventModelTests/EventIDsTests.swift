import EventModel
import Testing

@Suite("Event ids")
struct EventIDsTests {
    /// Always the same bits.
    private struct Constant: RandomNumberGenerator {
        let bits: UInt64
        func next() -> UInt64 { bits }
    }

    private func texts(_ count: Int, at milliseconds: Int64, random: inout some RandomNumberGenerator) -> [String] {
        var ids = EventIDs(at: Timestamp(milliseconds: milliseconds), using: &random)
        return (0..<count).map { _ in ids.next { String(decoding: $0, as: UTF8.self) } }
    }

    @Test("Ids are version 7 UUIDs that sort by time")
    func shape() {
        var random = SystemRandomNumberGenerator()
        let earlier = texts(1, at: 1_700_000_000_000, random: &random)[0]
        let later = texts(1, at: 1_700_000_000_001, random: &random)[0]
        #expect(earlier < later)
        #expect(earlier.hasPrefix("018bcfe5-6800-7"))
        #expect("89ab".contains(earlier[earlier.index(earlier.startIndex, offsetBy: 19)]))
        #expect(earlier.utf8.count == 36)
    }

    @Test("The ids of one delivery are distinct and sort as its events stand, from whatever bits they count")
    func order() {
        var highest = Constant(bits: .max)
        var lowest = Constant(bits: 0)
        for ids in [
            texts(70_000, at: 1_700_000_000_000, random: &highest),
            texts(70_000, at: 1_700_000_000_000, random: &lowest),
        ] {
            #expect(zip(ids, ids.dropFirst()).allSatisfy { $0 < $1 })
            #expect(ids.allSatisfy { "89ab".contains($0.dropFirst(19).first!) })
        }
    }
}
