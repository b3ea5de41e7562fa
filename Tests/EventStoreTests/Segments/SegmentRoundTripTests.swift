import EventModel
import Journal
import TestSupport
import Testing

@testable import EventStore

struct SegmentRoundTripTests {
    @Test("Records come back byte for byte, in order", arguments: [1, 511, 512, 513, 1_200])
    func recordsComeBack(rows: Int) throws {
        let fixture = SegmentFixture(rows: rows)
        let segment = try fixture.segment(0..<rows)
        var visited = 0
        try segment.withRecords(0..<rows) { row, record in
            #expect(Array(record.bytes) == fixture.records[row])
            visited += 1
            return true
        }
        #expect(visited == rows)
        try segment.withBlocks(0..<rows) { block in
            for row in block.rows {
                let range = block.range(ofRow: row)
                #expect(Array(block.bytes.slice(range)) == fixture.records[row])
                #expect(block.row(holding: range.lowerBound) == row)
            }
            return true
        }
    }

    @Test("Visiting stops when asked to, and chosen rows only are visited")
    func visitsChosenRows() throws {
        let segment = try SegmentFixture(rows: 600).segment(0..<600)
        var rows: [Int] = []
        try segment.withRecords([3, 300, 301, 599]) { row, _ in
            rows.append(row)
            return row != 301
        }
        #expect(rows == [3, 300, 301])
    }

    @Test("Every column says what the records say")
    func columnsAgreeWithRecords() throws {
        let fixture = SegmentFixture(rows: 700)
        let segment = try fixture.segment(0..<700)
        for field in Field.allCases {
            let column = try segment.column(field)
            guard field.isColumnar else {
                #expect(column == nil)
                continue
            }
            if let column { expectAscending(column) }
            for row in 0..<700 {
                let expected = try fixture.records[row].withUnsafeBytes { members(of: field, in: try SealedView($0)) }
                #expect(column.map { members(of: $0, row: row) } ?? [] == expected, "\(field.path) of row \(row)")
            }
        }
    }

    @Test("Times, bounds, leaf indexes and keys are kept", arguments: [1, 3] as [UInt64])
    func typedSectionsAreKept(stride: UInt64) throws {
        let fixture = SegmentFixture(rows: 300)
        let segment = try fixture.segment(0..<300, stride: stride)
        let views = fixture.records
        for row in 0..<300 {
            let index = LeafIndex(1_000 + UInt64(row) * stride)
            #expect(try segment.leafIndex(ofRow: row) == index)
            #expect(try segment.row(of: index) == row)
            if stride > 1 { #expect(try segment.row(of: LeafIndex(index.rawValue + 1)) == nil) }
            try views[row].withUnsafeBytes {
                let view = try SealedView($0)
                let time = view.time(.time) ?? view.received
                #expect(try segment.withTimes(.time) { $0[row] } == time.rawValue)
                #expect(try segment.withTimes(.received) { $0[row] } == view.received.rawValue)
                #expect(segment.timeBounds.contains(time))
                #expect(segment.receivedBounds.contains(view.received))
            }
            #expect(try segment.withDeliveryKeys { $0?[row] } == fixture.keys[row])
            #expect(try segment.seed(for: index) == SegmentFixture.seed(ofBundle: index.rawValue / 256))
        }
        #expect(try segment.row(of: LeafIndex(999)) == nil)
    }

    @Test("Values are found by their bytes and by prefix")
    func valuesAreFound() throws {
        let segment = try SegmentFixture(rows: 900).segment(0..<900)
        let column = try #require(try segment.column(.actorName))
        let values = (1...UInt32(column.valueCount)).map { Array(column.value($0)) }
        for (position, value) in values.enumerated() {
            value.withUnsafeBytes { #expect(column.code(of: $0) == UInt32(position + 1)) }
        }
        let prefix = Array("actor.name-1".utf8)
        let expected = values.indices.filter { values[$0].starts(with: prefix) }.map { UInt32($0 + 1) }
        prefix.withUnsafeBytes { #expect(Array(column.codes(withPrefix: $0)) == expected) }
        Array("nowhere".utf8).withUnsafeBytes {
            #expect(column.code(of: $0) == nil)
            #expect(column.codes(withPrefix: $0).isEmpty)
        }
        Array("\u{FF}".utf8).withUnsafeBytes { #expect(Int(column.lowerBound($0)) <= column.valueCount + 1) }
    }

    @Test("Codes take 1, 2 or 4 bytes as the number of values asks", arguments: [(255, 1), (256, 2), (65_536, 4)])
    func codesAreNarrow(values: Int, width: Int) throws {
        let writer = try SegmentWriter(partition: JournalPartition(day: 0, retentionClass: 0), compressionLevel: 1)
        for number in 0..<values {
            var record = EventRecord()
            record.set(.received, time: Timestamp(seconds: 1))
            record.set(.actorName, "name \(number)")
            var bytes: [UInt8] = []
            SealedForm.append(&record, payload: UnsafeRawBufferPointer(start: nil, count: 0), to: &bytes)
            try bytes.withUnsafeBytes {
                try writer.append(SealedView($0), index: LeafIndex(UInt64(number)), key: .none)
            }
        }
        let memory = try #require(try writer.finish())
        let segment = try SegmentReader(.memory(memory), name: "memory")
        let column = try #require(try segment.column(.actorName))
        #expect(column.codeWidth == width)
        #expect(segment.section(.codes, .actorName)?.width == UInt8(width))
        #expect(column.valueCount == values)
        for row in stride(from: 0, to: values, by: 97) {
            #expect(column.value(column.code(ofRow: row)).text == "name \(row)")
        }
        #expect(try segment.withDeliveryKeys { $0 == nil })
    }

    @Test("Leaf indexes must ascend")
    func refusesDisorder() throws {
        let fixture = SegmentFixture(rows: 1)
        let writer = try SegmentWriter(partition: fixture.partition, compressionLevel: 1)
        try fixture.records[0].withUnsafeBytes { bytes in
            try writer.append(SealedView(bytes), index: LeafIndex(5), key: .none)
            #expect(throws: EventStoreError.self) {
                try writer.append(SealedView(bytes), index: LeafIndex(5), key: .none)
            }
        }
        #expect(writer.rowCount == 1)
    }

    private func expectAscending(_ column: SegmentColumn) {
        for code in 1..<UInt32(max(column.valueCount, 1)) {
            #expect(column.value(code).precedes(column.value(code + 1)))
        }
    }

    /// The members that the record has, nil for a gap before a later one.
    private func members(of field: Field, in view: SealedView) -> [String?] {
        var members: [String?] = []
        for entry in view.entries where entry.field == field {
            while members.count < entry.element { members.append(nil) }
            members.append(entry.value.text)
        }
        return members
    }

    private func members(of column: SegmentColumn, row: Int) -> [String?] {
        let codes = column.codeRange(ofRow: row).map { column.code(at: $0) }
        if !column.isList, codes == [0] { return [] }
        return codes.map { $0 == 0 ? nil : column.value($0).text }
    }
}
