import EventModel
import Testing

@testable import EventStore

@Suite("Unpacked values that are kept")
struct UnpackedValuesTests {
    @Test("What is kept is what was put there, whatever takes whose place", arguments: UInt64(1)...3)
    func kept(seed: UInt64) {
        var numbers = SeededNumbers(seed: seed)
        var values = UnpackedValues()
        defer { values.free() }
        func text(_ column: Int, _ code: Int) -> [UInt8] {
            // As long as to fill the arena several times over, some too long to be kept.
            let length = code % 97 == 0 ? UnpackedValues.longestValue + 1 : code % 60
            return Array("\(column) \(code)".utf8) + [UInt8](repeating: 120, count: length)
        }
        var (hits, ignored) = (0, 0)
        for turn in 0..<60_000 {
            // Most are among a few.
            let column = numbers.below(40)
            let code = numbers.below(4) == 0 ? 1 + numbers.below(1 << 20) : 1 + numbers.below(50)
            if let value = values.value(column, code) {
                hits += 1
                #expect(value.elementsEqual(text(column, code)), "turn \(turn): \(column) \(code)")
            } else {
                text(column, code).withUnsafeBytes { values.insert(column, code, $0) }
                let isShort = text(column, code).count <= UnpackedValues.longestValue
                if isShort { ignored += 1 }
                let isKept = isShort && ignored > UnpackedValues.ignoredValues
                #expect((values.value(column, code) != nil) == isKept)
            }
        }
        #expect(hits > 20_000)
    }

    @Test("An empty table has nothing, and an empty value is kept as one")
    func empty() {
        var values = UnpackedValues()
        defer { values.free() }
        #expect(values.value(0, 1) == nil && values.value(7, 9) == nil)
        for _ in 0...UnpackedValues.ignoredValues {
            [UInt8]([0]).withUnsafeBytes { values.insert(7, 9, $0.slice(0..<0)) }
        }
        #expect(values.value(7, 9)?.count == 0)
    }
}
