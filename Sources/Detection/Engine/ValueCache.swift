internal import CPrefetch
import EventModel

/// Which predicates of a field hold for a value, for values that were seen before: most values of an audit log come again.
///
/// Bounded: ``maximumEntries`` values and ``maximumBytes`` of them; when either is used up it begins anew. Long values are
/// not kept. What it answers never depends on what it keeps.
package final class ValueCache {
    package static let maximumEntries = 1 << 15
    static let maximumBytes = 8 << 20
    /// Longer values seldom come again.
    static let maximumValueBytes = 1_024
    private static let ways = 4

    private struct Entry: BitwiseCopyable {
        var hash: UInt64 = 0
        /// Zero for an empty place.
        var field: UInt64 = 0
        var offset: Int32 = 0
        var count: Int32 = 0
        var firstResult: Int32 = 0
        var resultCount: Int32 = 0
    }

    private let entries: GrowingArray<Entry>
    private let bucketMask: Int
    private let bytes = GrowingArray<UInt8>(capacity: 1 << 16, filling: 0)
    private let results = GrowingArray<Int32>(capacity: 1 << 14, filling: 0)
    private var byteCount = 0
    private var resultCount = 0

    /// - Precondition: A power of two, at least four.
    init(entries count: Int = maximumEntries) {
        entries = GrowingArray(capacity: count, filling: Entry())
        bucketMask = count / Self.ways - 1
    }

    /// Says that a hash is looked up soon.
    @inline(__always)
    func prefetch(_ hash: UInt64) {
        let bucket = entries.base + (Int(truncatingIfNeeded: hash) & bucketMask) * Self.ways
        custody_prefetch(bucket)
        custody_prefetch(bucket + Self.ways - 1)
    }

    /// The predicates that hold, as numbers in the cache's memory (valid until the next insertion); nil when it is not known.
    @inline(__always)
    func find(_ field: UInt64, _ value: UnsafeRawBufferPointer, hash: UInt64) -> UnsafeBufferPointer<Int32>? {
        let bucket = (Int(truncatingIfNeeded: hash) & bucketMask) * Self.ways
        let entries = entries.base
        for place in bucket..<bucket + Self.ways {
            guard entries[place].hash == hash, entries[place].field == field, Int(entries[place].count) == value.count,
                UnsafeRawBufferPointer(start: bytes.base + Int(entries[place].offset), count: value.count)
                    .hasSameBytes(as: value)
            else { continue }
            return UnsafeBufferPointer(
                start: results.base + Int(entries[place].firstResult), count: Int(entries[place].resultCount))
        }
        return nil
    }

    func insert(
        _ field: UInt64, _ value: UnsafeRawBufferPointer, hash: UInt64, _ predicates: UnsafeBufferPointer<Int32>
    ) {
        guard value.count <= Self.maximumValueBytes else { return }
        if byteCount + value.count > Self.maximumBytes || resultCount + predicates.count > Self.maximumBytes / 4 {
            entries.fill(Entry())
            byteCount = 0
            resultCount = 0
        }
        bytes.reserve(byteCount + value.count, filling: 0)
        results.reserve(resultCount + predicates.count, filling: 0)
        if let start = value.baseAddress {
            UnsafeMutableRawPointer(bytes.base + byteCount).copyMemory(from: start, byteCount: value.count)
        }
        for (place, predicate) in predicates.enumerated() { results.base[resultCount + place] = predicate }
        let bucket = (Int(truncatingIfNeeded: hash) & bucketMask) * Self.ways
        // An empty place, else one that the hash chooses.
        let place =
            (bucket..<bucket + Self.ways).first { entries.base[$0].field == 0 } ?? bucket + Int(hash >> 60)
            & (Self.ways - 1)
        entries.base[place] = Entry(
            hash: hash, field: field, offset: Int32(byteCount), count: Int32(value.count),
            firstResult: Int32(resultCount),
            resultCount: Int32(predicates.count))
        byteCount += value.count
        resultCount += predicates.count
    }
}
