import EventModel
import Foundation

/// Finds which of many literals occur in a text, in one pass.
///
/// For every literal one run of (up to) four of its bytes is looked for, the one that the fewest other literals have; a filter
/// of bits tells most places of a text apart from all of them, and where it does not, the literals of that run are compared
/// whole. Memory is about 40 bytes a literal, where an automaton would take a kilobyte.
struct SubstringIndex: Sendable {
    struct Literal: Sendable {
        let bytes: [UInt8]
        var isAtStart = false
        var isAtEnd = false
        /// What is reported.
        let number: Int32
    }

    private struct Entry: BitwiseCopyable, Sendable {
        let offset: Int32
        let count: Int32
        /// Where in the literal the run begins.
        let run: Int32
        let number: Int32
        let isAtStart: Bool
        let isAtEnd: Bool
    }

    private struct Bucket: BitwiseCopyable, Sendable {
        var run: UInt32 = 0
        var first: Int32 = 0
        var count: Int32 = 0
    }

    /// The literals whose runs have one length.
    private struct Width: Sendable {
        let length: Int
        let filter: FlatArray<UInt64>
        let filterShift: UInt32
        let buckets: FlatArray<Bucket>
        let bucketMask: Int
        let entries: FlatArray<Entry>
        /// Places of the buckets whose run more than ``crowd`` literals share.
        let crowded: [Int]
    }

    /// Literals of one run from which on a long text is searched for each of them by itself.
    private static let crowd = 16
    private static let longText = 65_536

    private let widths: [Width]
    private let bytes: FlatArray<UInt8>

    var isEmpty: Bool { widths.isEmpty }

    /// - Precondition: No literal is empty.
    init(_ literals: [Literal]) {
        var bytes: [UInt8] = []
        var widths: [Width] = []
        for length in 1...4 {
            let own = literals.filter { min($0.bytes.count, 4) == length }
            guard !own.isEmpty else { continue }
            var byRun: [UInt32: [Entry]] = [:]
            // Long literals have a choice of runs and come last.
            for literal in own.sorted(by: { $0.bytes.count < $1.bytes.count }) {
                let starts = Self.starts(of: literal, length: length)
                let runs = starts.map { Self.run(literal.bytes, $0, length) }
                let best = runs.indices.min { (byRun[runs[$0]]?.count ?? 0) < (byRun[runs[$1]]?.count ?? 0) } ?? 0
                byRun[runs[best], default: []].append(
                    Entry(
                        offset: Int32(bytes.count), count: Int32(literal.bytes.count), run: Int32(starts[best]),
                        number: literal.number, isAtStart: literal.isAtStart, isAtEnd: literal.isAtEnd))
                bytes += literal.bytes
            }
            widths.append(Self.width(length, byRun))
        }
        self.widths = widths
        self.bytes = FlatArray(bytes)
    }

    /// Where runs may begin. A thousand of them are choice enough.
    private static func starts(of literal: Literal, length: Int) -> [Int] {
        let last = literal.bytes.count - length
        return Array(0...min(last, 1_000))
    }

    @inline(__always)
    private static func run(_ bytes: [UInt8], _ start: Int, _ length: Int) -> UInt32 {
        var run: UInt32 = 0
        for place in 0..<length { run |= UInt32(bytes[start + place]) << UInt32(8 * place) }
        return run
    }

    private static func width(_ length: Int, _ byRun: [UInt32: [Entry]]) -> Width {
        // Sixteen bits a run: one place in sixteen of a text is looked at again.
        var bits: UInt32 = 8
        while bits < 20, 1 << bits < byRun.count * 16 { bits += 1 }
        var filter = [UInt64](repeating: 0, count: max(1, (1 << Int(bits)) / 64))
        var capacity = 2
        while capacity < byRun.count * 2 { capacity *= 2 }
        var buckets = [Bucket](repeating: Bucket(), count: capacity)
        var entries: [Entry] = []
        for (run, own) in byRun.sorted(by: { $0.key < $1.key }) {
            let hash = hash(run)
            let bit = Int(hash >> (32 - bits))
            filter[bit >> 6] |= 1 << UInt64(bit & 63)
            var place = Int(hash) & (capacity - 1)
            while buckets[place].count > 0 { place = (place + 1) & (capacity - 1) }
            buckets[place] = Bucket(run: run, first: Int32(entries.count), count: Int32(own.count))
            entries += own
        }
        return Width(
            length: length, filter: FlatArray(filter), filterShift: 32 - bits, buckets: FlatArray(buckets),
            bucketMask: capacity - 1, entries: FlatArray(entries),
            crowded: buckets.indices.filter { buckets[$0].count > crowd })
    }

    @inline(__always)
    private static func hash(_ run: UInt32) -> UInt32 {
        let product = run &* 0x9E37_79B1
        return product ^ product >> 15
    }

    /// Hands the number of every literal that occurs to `body`, possibly several times.
    ///
    /// - Parameter isKnown: Whether a number need not be looked at again.
    /// - Complexity: linear in the text, but for places that up to ``crowd`` literals share; in long texts those that more share
    ///   cost one search each.
    @inline(__always)
    func forEachMatch(in text: UnsafeRawBufferPointer, isKnown: (Int32) -> Bool, _ body: (Int32) -> Void) {
        guard let start = text.baseAddress else { return }
        for width in widths where text.count >= width.length {
            let filter = width.filter.base
            let shift = width.filterShift
            let length = width.length
            let mask: UInt32 = length == 4 ? .max : 1 << UInt32(8 * length) - 1
            let last = text.count - length
            var position = 0
            while position <= last {
                let run: UInt32
                if position + 4 <= text.count {
                    run = start.loadUnaligned(fromByteOffset: position, as: UInt32.self).littleEndian & mask
                } else {
                    var tail: UInt32 = 0
                    for place in 0..<length {
                        tail |=
                            UInt32(start.load(fromByteOffset: position + place, as: UInt8.self)) << UInt32(8 * place)
                    }
                    run = tail
                }
                let hash = Self.hash(run)
                let bit = Int(hash >> shift)
                if filter[bit >> 6] & 1 << UInt64(bit & 63) != 0 {
                    compare(width, run, hash, position, text, isKnown: isKnown, body)
                }
                position += 1
            }
            if text.count > Self.longText {
                for place in width.crowded { searchEach(width, width.buckets[place], text, isKnown: isKnown, body) }
            }
        }
    }

    private func searchEach(
        _ width: Width, _ bucket: Bucket, _ text: UnsafeRawBufferPointer, isKnown: (Int32) -> Bool,
        _ body: (Int32) -> Void
    ) {
        var counts = [Int](repeating: 0, count: 256)
        for byte in text { counts[Int(byte)] += 1 }
        for number in Int(bucket.first)..<Int(bucket.first + bucket.count) {
            let entry = width.entries[number]
            let count = Int(entry.count)
            guard count <= text.count, !isKnown(entry.number) else { continue }
            let literal = UnsafeRawBufferPointer(start: bytes.base + Int(entry.offset), count: count)
            let isFound: Bool
            switch (entry.isAtStart, entry.isAtEnd) {
            case (true, true): isFound = count == text.count && literal.hasSameBytes(as: text)
            case (true, false): isFound = literal.hasSameBytes(as: text.slice(0..<count))
            case (false, true): isFound = literal.hasSameBytes(as: text.slice(text.count - count..<text.count))
            case (false, false): isFound = Self.occurs(literal, in: text, counts)
            }
            if isFound { body(entry.number) }
        }
    }

    /// Looks at a literal's byte that the text has least often, and at the rest only where that one stands.
    private static func occurs(
        _ literal: UnsafeRawBufferPointer, in text: UnsafeRawBufferPointer, _ counts: [Int]
    ) -> Bool {
        guard let start = text.baseAddress,
            let rarest = literal.indices.min(by: { counts[Int(literal[$0])] < counts[Int(literal[$1])] })
        else { return false }
        var from = rarest
        let end = text.count - literal.count + rarest + 1
        while from < end, let found = memchr(start + from, Int32(literal[rarest]), end - from) {
            let place = UnsafeRawPointer(found) - start
            if literal.hasSameBytes(as: text.slice(place - rarest..<place - rarest + literal.count)) { return true }
            from = place + 1
        }
        return false
    }

    @inline(__always)
    private func compare(
        _ width: Width, _ run: UInt32, _ hash: UInt32, _ position: Int, _ text: UnsafeRawBufferPointer,
        isKnown: (Int32) -> Bool, _ body: (Int32) -> Void
    ) {
        var place = Int(hash) & width.bucketMask
        while true {
            let bucket = width.buckets[place]
            guard bucket.count > 0 else { return }
            guard bucket.run == run else {
                place = (place + 1) & width.bucketMask
                continue
            }
            if bucket.count > Self.crowd, text.count > Self.longText { return }
            for number in Int(bucket.first)..<Int(bucket.first + bucket.count) {
                let entry = width.entries[number]
                let from = position - Int(entry.run)
                let end = from + Int(entry.count)
                guard from >= 0, end <= text.count, !entry.isAtStart || from == 0, !entry.isAtEnd || end == text.count,
                    !isKnown(entry.number),
                    UnsafeRawBufferPointer(start: bytes.base + Int(entry.offset), count: Int(entry.count))
                        .hasSameBytes(as: text.slice(from..<end))
                else { continue }
                body(entry.number)
            }
            return
        }
    }
}
