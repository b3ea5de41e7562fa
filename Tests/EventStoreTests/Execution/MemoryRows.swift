import EventModel

@testable import EventStore

/// The plainest rows that keep the interface's promises: sealed records in an array, columns made by sorting.
final class MemoryRows: EventRows {
    private let records: [(index: LeafIndex, bytes: [UInt8])]
    private let times: [Int64]
    private let received: [Int64]
    private let columns: [Field: SegmentColumn]
    /// Rows of one block.
    private let blockRows: Int

    init(_ records: [(index: LeafIndex, bytes: [UInt8])], blockRows: Int = 8) throws {
        precondition(!records.isEmpty)
        self.records = records
        self.blockRows = blockRows
        var times: [Int64] = []
        var received: [Int64] = []
        var values: [Field: [[(element: Int, value: [UInt8])]]] = [:]
        for (row, record) in records.enumerated() {
            try record.bytes.withUnsafeBytes { bytes in
                let view = try SealedView(bytes)
                received.append(view.received.rawValue)
                times.append((view.time(.time) ?? view.received).rawValue)
                for entry in view.entries where entry.field.isColumnar {
                    values[entry.field, default: Array(repeating: [], count: records.count)][row]
                        .append((entry.element, Array(entry.value)))
                }
            }
        }
        self.times = times
        self.received = received
        columns = values.reduce(into: [:]) { $0[$1.key] = Self.column($1.key, $1.value) }
    }

    var rowCount: Int { records.count }
    var indexes: ClosedRange<LeafIndex> { records[0].index...records[records.count - 1].index }
    var timeBounds: ClosedRange<Timestamp> { Self.bounds(times) }
    var receivedBounds: ClosedRange<Timestamp> { Self.bounds(received) }

    private static func bounds(_ values: [Int64]) -> ClosedRange<Timestamp> {
        Timestamp(rawValue: values.min() ?? 0)...Timestamp(rawValue: values.max() ?? 0)
    }

    func leafIndex(ofRow row: Int) -> LeafIndex { records[row].index }
    func row(of index: LeafIndex) -> Int? { records.firstIndex { $0.index == index } }

    func withTimes<Result>(_ field: Field, _ body: (UnsafeBufferPointer<Int64>) throws -> Result) rethrows -> Result {
        try (field == .received ? received : times).withUnsafeBufferPointer(body)
    }

    func column(_ field: Field) -> SegmentColumn? { columns[field] }

    func withBlocks(_ rows: Range<Int>, _ body: (RecordBlock) throws -> Bool) throws {
        for first in stride(from: rows.lowerBound / blockRows * blockRows, to: rows.upperBound, by: blockRows) {
            let block = records[first..<min(records.count, first + blockRows)]
            var bytes: [UInt8] = []
            var ends: [UInt32] = []
            for record in block {
                bytes += record.bytes
                ends.append(UInt32(bytes.count))
            }
            let goesOn = try bytes.withUnsafeBytes { bytes in
                try ends.withUnsafeBytes { ends in
                    try body(RecordBlock(firstRow: first, rowCount: block.count, bytes: bytes, ends: ends))
                }
            }
            guard goesOn else { return }
        }
    }

    func withRecords(_ rows: some Sequence<Int>, _ body: (Int, SealedView) throws -> Bool) throws {
        for row in rows {
            let goesOn = try records[row].bytes.withUnsafeBytes { try body(row, try SealedView($0)) }
            guard goesOn else { return }
        }
    }

    // MARK: Columns

    /// Keeps the memory of a column. Sendable: nobody writes to it after `init`.
    private final class Memory: @unchecked Sendable {
        let pointer: UnsafeMutableRawPointer

        init(_ bytes: [UInt8]) {
            pointer = .allocate(byteCount: max(bytes.count, 1), alignment: 8)
            bytes.withUnsafeBytes {
                pointer.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(pointer), byteCount: $0.count)
            }
        }

        deinit { pointer.deallocate() }
    }

    private static func column(
        _ field: Field, _ rows: [[(element: Int, value: [UInt8])]]
    ) -> SegmentColumn {
        let distinct = Set(rows.flatMap { $0.map(\.value) }).sorted { $0.lexicographicallyPrecedes($1) }
        let codeOf = Dictionary(uniqueKeysWithValues: distinct.enumerated().map { ($1, UInt32($0 + 1)) })
        let isList = rows.contains { $0.contains { $0.element > 0 } }
        var codes: [UInt32] = []
        var starts: [UInt32] = [0]
        for row in rows {
            let members = isList ? (row.map(\.element).max() ?? -1) + 1 : 1
            for element in 0..<members {
                codes.append(row.first { $0.element == element }.flatMap { codeOf[$0.value] } ?? 0)
            }
            starts.append(UInt32(codes.count))
        }
        let width = distinct.count < 256 ? 1 : distinct.count < 65_536 ? 2 : 4
        var offsets: [UInt32] = [0]
        var values: [UInt8] = []
        for value in distinct {
            values += value
            offsets.append(UInt32(values.count))
        }
        func bytes(_ numbers: [UInt32]) -> [UInt8] {
            numbers.flatMap { number in withUnsafeBytes(of: number) { Array($0) } }
        }
        let memory = [
            bytes(offsets), values,
            codes.flatMap { code in withUnsafeBytes(of: code.littleEndian) { Array($0.prefix(width)) } },
            bytes(starts),
        ].map(Memory.init)
        return SegmentColumn(
            field: field, rowCount: rows.count, valueCount: distinct.count,
            offsets: UnsafePointer(memory[0].pointer.assumingMemoryBound(to: UInt32.self)), values: memory[1].pointer,
            codes: memory[2].pointer, codeWidth: width, codeCount: codes.count,
            starts: isList ? UnsafePointer(memory[3].pointer.assumingMemoryBound(to: UInt32.self)) : nil,
            owner: Owner(memory))
    }

    private final class Owner: Sendable {
        private let memory: [Memory]
        init(_ memory: [Memory]) { self.memory = memory }
    }
}
