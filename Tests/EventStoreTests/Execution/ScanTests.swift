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

    @Test("Strings and pairs that are interned many at a time get what each by itself would get")
    func interningMany() {
        // More than a batch, and repeated within it, behind others that are known.
        var texts = (0..<5_000).map { "value \($0 % 1_700)" + ($0 % 3 == 0 ? "" : " of several") }
        texts += ["", "value 7", ""]
        var (single, many) = (ByteInterner(), ByteInterner())
        for text in texts.prefix(700) { _ = many.number(of: Array(text.utf8)) }
        var (bytes, ends) = ([UInt8](), [Int]())
        for text in texts {
            bytes += text.utf8
            ends.append(bytes.count)
        }
        let numbers = many.numbers(of: bytes, ends: ends)
        #expect(numbers == texts.map { single.number(of: Array($0.utf8)) })
        #expect(many.count == single.count && many.count == Set(texts).count)
        #expect(many.numbers(of: single) == (1...UInt32(single.count)).map { $0 })
        #expect(many.numbers(of: [], ends: []).isEmpty)

        let pairs = (0..<9_000).map { PairSet.pair(UInt32($0 % 7), UInt32($0 % 1_234 + 1)) }
        var (set, counts) = (PairSet(), [Int](repeating: 0, count: 7))
        for start in stride(from: 0, to: pairs.count, by: PairSet.batch) {
            let batch = pairs[start..<min(start + PairSet.batch, pairs.count)]
            batch.withUnsafeBufferPointer { set.insert($0, counting: &counts) }
        }
        #expect(set.count == Set(pairs).count && counts.reduce(0, +) == set.count)
        for group in counts.indices { #expect(counts[group] == Set(pairs).count { Int($0 >> 32) == group }) }
    }

    @Test("Values are grouped as rows say, each once a group, those of no value not at all", arguments: UInt64(0)..<20)
    func grouping(seed: UInt64) {
        var random = SeededNumbers(seed: seed)
        let rowCount = Int.random(in: 0...2_000, using: &random)
        let groups = (0..<rowCount).map { _ in UInt16.random(in: 0...40, using: &random) }
        let values = (0..<rowCount).map { _ in UInt32.random(in: 0...300, using: &random) }
        var rows = RowSet(rowCount: rowCount)
        for row in 0..<rowCount where Int.random(in: 0..<4, using: &random) > 0 { rows.insert(row) }
        var counts = [Int](repeating: 0, count: 41)
        var expected = [Set<UInt32>](repeating: [], count: 41)
        for row in rows {
            counts[Int(groups[row])] += 1
            if values[row] != 0 { expected[Int(groups[row])].insert(values[row]) }
        }
        let memory = CodeMemory()
        // What another segment has left in it.
        let used = memory.take(3_000)
        used.codes.initialize(repeating: 77)
        withExtendedLifetime(consume used) {}
        let grouped = groups.withUnsafeBufferPointer { groups in
            values.withUnsafeBufferPointer { GroupedValues(rows, groups, $0, counts: counts, valueBound: 301, memory) }
        }
        var found = [[UInt32]](repeating: [], count: 41)
        grouped.forEach { found[$0].append($1) }
        #expect(found.map(Set.init) == expected)
        // None twice.
        #expect(grouped.count == expected.reduce(0) { $0 + $1.count })
        #expect(grouped.count == found.reduce(0) { $0 + $1.count })
    }
}
