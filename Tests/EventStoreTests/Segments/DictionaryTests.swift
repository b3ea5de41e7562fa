import EventModel
import TestSupport
import Testing

@testable import EventStore

struct DictionaryTests {
    @Test("Values are ordered bytewise, few or many, alike or not", arguments: [0, 1, 2, 255, 256, 3_000])
    func order(count: Int) {
        for prefix in ["", "sha256:", "https://registry.example/"] {
            let values = Self.values(count, seed: UInt64(count), prefix: prefix)
            let texts = Self.numbered(values)
            defer { texts.free() }
            let order = DictionaryOrder.sorted(0..<UInt32(values.count)) { texts[$0] }
            defer { order.free() }
            #expect(order.buffer.map { Array(texts[$0.number]) } == values.sorted { $0.lexicographicallyPrecedes($1) })
        }
    }

    @Test("Merged dictionaries have each value once, and tell what each code becomes", arguments: [0, 1] as [UInt32])
    func merging(firstCode: UInt32) {
        for sizes in [[3], [0, 5], [200, 0, 150, 1], [40, 40, 40, 40, 40, 40, 40, 40]] {
            let inputs = sizes.enumerated().map { number, size in
                Self.values(size, seed: UInt64(number % 3), prefix: "a").sorted { $0.lexicographicallyPrecedes($1) }
            }
            let texts = inputs.map { $0.flatMap { $0 } }
            let offsets = inputs.map { values in
                values.indices.reduce(into: [0 as UInt32]) { $0.append($0[$1] + UInt32(values[$1].count)) }
            }
            let all = Set(inputs.flatMap { $0 }).sorted { $0.lexicographicallyPrecedes($1) }
            var merged: [[UInt8]] = []
            var tables: [[UInt32]] = []
            Self.withDictionaries(texts, offsets) { dictionaries in
                var merger = DictionaryMerger(dictionaries, firstCode: firstCode)
                defer { merger.free() }
                while let value = merger.next() { merged.append(Array(value)) }
                #expect(merger.count == all.count)
                tables = inputs.indices.map { Array(merger.table($0)) }
            }
            #expect(merged == all)
            for (input, table) in zip(inputs, tables) {
                #expect(table.prefix(Int(firstCode)) == ArraySlice(0..<firstCode))
                #expect(table.dropFirst(Int(firstCode)).map { all[Int($0 - firstCode)] } == input)
            }
        }
    }

    private static func values(_ count: Int, seed: UInt64, prefix: String) -> [[UInt8]] {
        var random = SealedSamples(seed: seed)
        var values: Set<[UInt8]> = []
        while values.count < count {
            let rest = (0..<random.number(below: 12)).map { _ in UInt8([0, 0x41, 0x42, 0xFF][random.number(below: 4)]) }
            values.insert(Array(prefix.utf8) + rest)
        }
        return values.sorted { ($0.count, $0.first ?? 0) < ($1.count, $1.first ?? 0) }
    }

    private static func numbered(_ values: [[UInt8]]) -> NumberedTexts {
        var texts = NumberedTexts()
        for (number, value) in values.enumerated() {
            #expect(value.withUnsafeBytes { texts.append($0, mark: 7) } == UInt32(number))
        }
        return texts
    }

    private static func withDictionaries(
        _ texts: [[UInt8]], _ offsets: [[UInt32]], _ found: [DictionaryMerger.Dictionary?] = [],
        _ body: ([DictionaryMerger.Dictionary?]) -> Void
    ) {
        guard found.count < texts.count else { return body(found) }
        // Room for a byte, so that there is an address.
        (texts[found.count] + [0]).withUnsafeBytes { bytes in
            offsets[found.count].withUnsafeBufferPointer { starts in
                let next = bytes.baseAddress.flatMap { values in
                    starts.baseAddress.map {
                        DictionaryMerger.Dictionary.plain(
                            PlainDictionary(values: values, offsets: $0, count: starts.count - 1))
                    }
                }
                withDictionaries(texts, offsets, found + [next], body)
            }
        }
    }
}
