import EventModel

/// A column's distinct values, ascending, in blocks in which each but the first is told by what differs from the one before.
/// docs/format/segment.md §5.
///
/// It borrows the bytes and believes none of them: what is malformed ends a block early.
struct PackedDictionary: BitwiseCopyable {
    static let valuesPerBlock = 16
    /// Fewer values are stored as they are: they are small, and read all the time.
    static let fewestValues = 256

    static func isPacked(valueCount: Int) -> Bool { valueCount >= fewestValues }

    static func blockCount(values: Int) -> Int { (values + valuesPerBlock - 1) / valuesPerBlock }

    let count: Int
    private let bytes: UnsafeRawBufferPointer
    /// Where each block begins, and the end of the last.
    private let starts: UnsafePointer<UInt32>

    /// - Parameter starts: one more than there are blocks, ascending, none beyond `bytes`.
    init(count: Int, bytes: UnsafeRawBufferPointer, starts: UnsafePointer<UInt32>) {
        self.count = count
        self.bytes = bytes
        self.starts = starts
    }

    var blockCount: Int { Self.blockCount(values: count) }

    func block(_ number: Int) -> UnsafeRawBufferPointer {
        bytes.slice(Int(starts[number])..<Int(starts[number + 1]))
    }

    /// Hands over the values of a range of codes, which count from 1, each valid during its call, until `body` returns false.
    ///
    /// Cost: linear in the bytes of these values and of those before the first in its block.
    func forEach(in codes: Range<Int>, _ body: (_ code: Int, _ value: UnsafeRawBufferPointer) throws -> Bool) rethrows {
        guard !codes.isEmpty else { return }
        var buffer = PackedValueBuffer()
        defer { buffer.free() }
        for number in (codes.lowerBound - 1) / Self.valuesPerBlock...(codes.upperBound - 2) / Self.valuesPerBlock {
            var reader = PackedBlockReader(block(number))
            var code = number * Self.valuesPerBlock
            while let value = reader.next() {
                buffer.replace(by: value)
                code += 1
                guard code >= codes.lowerBound else { continue }
                guard code < codes.upperBound, try body(code, buffer.value) else { return }
            }
        }
    }
}
