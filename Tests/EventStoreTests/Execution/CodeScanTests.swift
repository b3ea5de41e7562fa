import EventModel
import QueryLanguage
import Testing

@testable import EventStore

/// Scans and counts of codes against what one would write without a thought for speed.
@Suite struct CodeScanTests {
    /// Keeps the memory of a column. Sendable: nobody writes to it after `init`.
    private final class Memory: @unchecked Sendable {
        let pointer: UnsafeMutableRawPointer

        init(_ bytes: [UInt8]) {
            pointer = .allocate(byteCount: max(bytes.count, 1), alignment: 8)
            bytes.withUnsafeBytes { source in
                if let start = source.baseAddress { pointer.copyMemory(from: start, byteCount: source.count) }
            }
        }

        deinit { pointer.deallocate() }
    }

    private final class Owner: Sendable {
        private let memory: [Memory]
        init(_ memory: [Memory]) { self.memory = memory }
    }

    /// A column of sorted values, its codes in any width that holds them; with `starts` a list column.
    private static func column(
        _ values: [String], codes: [UInt32], width: Int, starts: [UInt32]? = nil
    ) -> SegmentColumn {
        let sorted = values.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
        var offsets: [UInt32] = [0]
        for value in sorted { offsets.append(offsets[offsets.count - 1] + UInt32(value.count)) }
        func bytes(_ number: UInt32, _ width: Int) -> [UInt8] {
            withUnsafeBytes(of: number.littleEndian) { Array($0.prefix(width)) }
        }
        let parts = [
            Memory(offsets.flatMap { bytes($0, 4) }), Memory(sorted.flatMap(\.self)),
            Memory(codes.flatMap { bytes($0, width) }), Memory((starts ?? []).flatMap { bytes($0, 4) }),
        ]
        return SegmentColumn(
            field: .action, rowCount: starts.map { $0.count - 1 } ?? codes.count, valueCount: values.count,
            offsets: UnsafePointer(parts[0].pointer.assumingMemoryBound(to: UInt32.self)), values: parts[1].pointer,
            codes: parts[2].pointer, codeWidth: width, codeCount: codes.count,
            starts: starts.map { _ in UnsafePointer(parts[3].pointer.assumingMemoryBound(to: UInt32.self)) },
            owner: Owner(parts))
    }

    private static let values = (0..<200).map { "value \($0)" }

    @Test(
        "A set of codes keeps exactly the rows that have one, in every width and at every length",
        arguments: [1, 2, 4], [0, 1, 63, 64, 65, 500])
    func filter(width: Int, rowCount: Int) throws {
        var numbers = SeededNumbers(seed: UInt64(width * 1_000 + rowCount))
        let codes = (0..<rowCount).map { _ in UInt32(numbers.below(201)) }
        let column = Self.column(Self.values, codes: codes, width: width)
        let some: [UInt8] = [0] + (1...200).map { _ in UInt8(numbers.below(2)) }
        let sets: [(CodeSet, (UInt32) -> Bool)] = [
            (.none, { _ in false }), (.all, { $0 != 0 }), (.range(7...7), { $0 == 7 }),
            (.range(1...200), { $0 != 0 }), (.range(50...199), { (50...199).contains($0) }),
            (.table(some), { some[Int($0)] == 1 }),
        ]
        for (set, passes) in sets {
            for among in [RowSet(allOf: rowCount), Self.third(of: rowCount)] {
                var rows = among
                column.filter(&rows, set)
                #expect(Array(rows) == Array(among).filter { passes(codes[$0]) }, "\(set)")
            }
        }
    }

    @Test(
        "A row of a list column is kept when one of its members is in the set, whether many rows are asked for or few",
        arguments: [1, 2, 4], [0, 1, 64, 700])
    func filterList(width: Int, rowCount: Int) throws {
        var numbers = SeededNumbers(seed: UInt64(width * 1_000 + rowCount))
        let members = (0..<rowCount).map { row in
            // Rows without members stand alone and in runs, some longer than a word of the set.
            row % 300 < 150 && row > 100 ? [] : (0..<numbers.below(5)).map { _ in UInt32(numbers.below(201)) }
        }
        let starts = members.reduce(into: [UInt32(0)]) { $0.append($0[$0.count - 1] + UInt32($1.count)) }
        let column = Self.column(Self.values, codes: members.flatMap(\.self), width: width, starts: starts)
        let some: [UInt8] = [0] + (1...200).map { _ in UInt8(numbers.below(2)) }
        let sets: [(CodeSet, (UInt32) -> Bool)] = [
            (.none, { _ in false }), (.all, { $0 != 0 }), (.range(7...7), { $0 == 7 }),
            (.range(50...199), { (50...199).contains($0) }), (.table(some), { some[Int($0)] == 1 }),
        ]
        var few = RowSet(rowCount: rowCount)
        for row in stride(from: 0, to: rowCount, by: 50) { few.insert(row) }
        for (set, passes) in sets {
            for among in [RowSet(allOf: rowCount), Self.third(of: rowCount), few] {
                var rows = among
                column.filter(&rows, set)
                #expect(Array(rows) == Array(among).filter { members[$0].contains(where: passes) }, "\(set)")
            }
        }
    }

    private static func third(of rowCount: Int) -> RowSet {
        var rows = RowSet(rowCount: rowCount)
        for row in stride(from: 0, to: rowCount, by: 3) { rows.insert(row) }
        return rows
    }

    @Test(
        "Rows are counted by code, from what is known of the segment or not",
        arguments: [1, 2, 4])
    func counts(width: Int) {
        var numbers = SeededNumbers(seed: UInt64(width))
        let codes = (0..<700).map { _ in UInt32(numbers.below(201)) }
        let column = Self.column(Self.values, codes: codes, width: width)
        let facts = DerivedFacts()
        var most = RowSet(allOf: 700)
        var few = RowSet(rowCount: 700)
        for row in [3, 64, 65, 699] { few.insert(row) }
        most.subtract(few)
        // Twice, so that the second round finds what the first has left behind.
        for _ in 0..<2 {
            for rows in [RowSet(allOf: 700), most, few, Self.third(of: 700), RowSet(rowCount: 700)] {
                var expected = [Int](repeating: 0, count: 201)
                for row in rows { expected[Int(codes[row])] += 1 }
                for known in [facts, nil] {
                    #expect(ColumnSource([column], type: .text, facts: known).counts(rows) == expected)
                }
            }
        }
    }

    @Test("A column with many values is counted in one table as well as in four")
    func manyValues() {
        var numbers = SeededNumbers(seed: 9)
        let values = (0..<20_000).map { "v\($0)" }
        let codes = (0..<3_000).map { _ in UInt32(numbers.below(20_001)) }
        let column = Self.column(values, codes: codes, width: 2)
        var expected = [Int](repeating: 0, count: 20_001)
        for code in codes { expected[Int(code)] += 1 }
        #expect(
            ColumnSource([column], type: .text, facts: DerivedFacts()).counts(RowSet(allOf: 3_000)) == expected)
    }

    @Test("What begins with a text whatever its case lies in the ranges, and the ranges ascend", arguments: 1...20)
    func prefixRanges(seed: Int) {
        var numbers = SeededNumbers(seed: UInt64(seed))
        let letters = ["a", "A", "b", "B", "k", "\u{212A}", "-", "é", "É", "0"]
        let values = Set((0..<120).map { _ in (0...numbers.below(5)).map { _ in numbers.pick(letters) }.joined() })
        let column = Self.column(values.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }, codes: [], width: 1)
        for prefix in ["", "a", "ab", "abk", "kkkkkk", "-", "é", "a-b", "0"] {
            let folded = CaseFolding.folded(prefix)
            let ranges = PrefixRanges.of(folded, in: column)
            #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound })
            for code in 1...column.valueCount {
                let value = column.value(UInt32(code)).text
                if CaseFolding.folded(value).starts(with: folded) {
                    #expect(ranges.contains { $0.contains(code) }, "\(value) for \(prefix)")
                }
            }
        }
    }

    @Test("A whole digest is looked up among few values, however many have its algorithm")
    func digests() throws {
        var numbers = SeededNumbers(seed: 3)
        let values = Set(
            (0..<2_000).map { _ in "sha256:" + (0..<64).map { _ in numbers.pick(Array("0123456789abcdef")) } }
        )
        .sorted()
        let column = Self.column(values, codes: [], width: 2)
        let wanted = values[700]
        for text in [wanted, wanted.uppercased(), String(wanted.dropFirst(7))] {
            let test = FieldValueTest(.equals(text), kind: .digest)
            let ranges = PrefixRanges.of(test, in: column)
            #expect(ranges.contains { $0.contains(701) } && ranges.reduce(0) { $0 + $1.count } < 20, "\(text)")
        }
    }

    @Test(
        "Addresses of an IPv4 network are looked for where they can stand, however they are spelt",
        arguments: [
            ("203.21.0.0/16", 600), ("203.0.0.0/8", 2_000), ("203.21.217.0/24", 120), ("203.21.217.9/32", 100),
            ("203.16.0.0/12", 2_000), ("0.0.0.0/1", .max), ("2001:db8::/32", .max), ("0.0.0.0/8", 1_000),
        ] as [(String, Int)])
    func networks(network: String, limit: Int) throws {
        var numbers = SeededNumbers(seed: 5)
        let dotted = (0..<3_000).map { _ in
            "\(numbers.pick([203, 203, 10, 0, 192])).\(numbers.pick([21, 22, 16, 0, 168])).\(200 + numbers.below(40)).\(numbers.below(256))"
        }
        let mapped = dotted.prefix(20).flatMap { ["::ffff:\($0)", "0:0:0:0:0:FFFF:\($0)", "0000::FFFF:\($0)"] }
        let others = ["2001:db8::1", "no address", "203.21", "203.21.217.09", ":", "0", "::", "2032.21.217.9", ""]
        let all = Set(dotted + mapped + others).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let column = Self.column(all, codes: [], width: 2)
        let range = try #require(AddressRange(cidr: network))
        let test = FieldValueTest(.network(range))
        let ranges = PrefixRanges.of(test, in: column)
        #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound })
        #expect(ranges.reduce(0) { $0 + $1.count } < limit)
        for code in 1...column.valueCount where test.matches(column.value(UInt32(code))) {
            #expect(ranges.contains { $0.contains(code) }, "\(column.value(UInt32(code)).text)")
        }
    }

    @Test("Counts in a byte each are what they were, small and large")
    func compactCounts() {
        let counts = [0, 1, 2, 254, 255, 256, 65_536, 3, 1_000_000_000]
        let compact = CompactCounts(counts)
        #expect(counts.indices.map { compact[$0] } == counts)
        // One that is large costs more than its byte; a million that are small cost no more than that.
        #expect(CompactCounts([Int](repeating: 254, count: 1_000_000)).byteCount == 1_000_000)
        #expect(compact.byteCount > counts.count)
    }

    @Test(
        "Of many values the frequent ones are counted over all columns, and the answer says whether one may be missing",
        arguments: 1...12)
    func ranking(seed: Int) {
        var numbers = SeededNumbers(seed: UInt64(seed))
        // Some values are frequent everywhere, the others are nearly unique.
        let values = (0..<400).map { "v\($0)" }
        let sorted = values.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        var totals: [String: Int] = [:]
        let columns = (0..<4).map { _ in
            let codes = (0..<2_000).map { _ -> UInt32 in
                let frequent = seed % 3 == 0 ? false : numbers.below(2) == 0
                return UInt32(1 + (frequent ? numbers.below(1 + seed % 7) : numbers.below(400)))
            }
            for code in codes { totals[sorted[Int(code) - 1], default: 0] += 1 }
            return CountedColumn(
                Self.column(values, codes: codes, width: 2), RowSet(allOf: 2_000), prefix: [], facts: nil)
        }
        let expected = totals.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }.prefix(3)
        let ranking = ValueRanking(columns: columns, limit: 3) { _ in true }
        let all = ranking.result(cap: .max)
        #expect(all.isExact && all.entries.map(\.value) == expected.map(\.key))
        let some = ranking.result(cap: 0)
        #expect(some.entries.allSatisfy { totals[$0.value] == $0.events })
        if some.isExact { #expect(some.entries == all.entries) }
        // With few values that stand out the lists of all columns name them.
        if seed % 3 != 0, seed % 7 >= 2 { #expect(some.isExact) }
    }
}
