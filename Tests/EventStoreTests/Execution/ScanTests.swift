import EventModel
import QueryLanguage
import Testing

@testable import EventStore

@Suite struct ScanTests {
    @Test("The searcher finds every place where the needle stands, whatever the case", arguments: 1...40)
    func folded(seed: Int) {
        var numbers = SeededNumbers(seed: UInt64(seed))
        let alphabet = Array("aAbB-\u{1}:\u{E9}".utf8)
        let text = (0..<200).map { _ in numbers.pick(alphabet) }
        let needle = (0...numbers.below(6)).map { _ in numbers.pick(Array("ab-:".utf8)) }
        let expected = (0...text.count - needle.count).filter { start in
            needle.indices.allSatisfy { CaseFolding.fold(text[start + $0]) == needle[$0] }
        }
        let searcher = FoldedSearcher(needle)
        text.withUnsafeBytes { bytes in
            var (found, offset): ([Int], Int) = ([], 0)
            while let next = searcher.firstIndex(in: bytes, from: offset) {
                found.append(next)
                offset = next + 1
            }
            #expect(found == expected)
        }
    }

    @Test("Sets of rows keep to their range, whatever the number of rows", arguments: [0, 1, 63, 64, 65, 200])
    func rowSets(rowCount: Int) {
        var all = RowSet(allOf: rowCount)
        #expect(all.count == rowCount)
        #expect(Array(all) == Array(0..<rowCount))
        let even = (0..<rowCount).filter { $0 % 2 == 0 }
        var set = RowSet(rowCount: rowCount)
        for row in even { set.insert(row) }
        #expect(set.bounds == even.last.map { 0..<$0 + 1 })
        var batches: [[UInt32]] = []
        for number in 0..<set.batchCount(of: 64) {
            var batch: [UInt32] = []
            set.fill(&batch, fromBatch: number, of: 64)
            batches.append(batch)
        }
        #expect(batches.flatMap { $0 }.map(Int.init) == even)
        all.subtract(set)
        #expect(Array(all) == (0..<rowCount).filter { $0 % 2 == 1 })
        all.formIntersection(min(10, rowCount)..<rowCount)
        #expect(Array(all) == (0..<rowCount).filter { $0 % 2 == 1 && $0 >= 10 })
    }

    @Test("Interned strings and pairs keep their numbers while the tables grow")
    func interning() {
        var (interner, pairs) = (ByteInterner(), PairTable())
        for round in 0..<2 {
            for number in 0..<5_000 {
                #expect(interner.number(of: Array("value \(number)".utf8)) == UInt32(number + 1))
                #expect(pairs.number(UInt32(number / 7), UInt32(number % 7)) == UInt32(number))
            }
            #expect(interner.count == 5_000, "round \(round)")
        }
        #expect(interner.withBytes(of: 4_321) { $0.text } == "value 4320")
    }
}
