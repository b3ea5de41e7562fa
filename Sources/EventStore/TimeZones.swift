import EventModel
import Synchronization

/// The earliest and the latest time of every few thousand rows. Rows are nearly in the order of time, so a condition on
/// time is decided for most of them by these alone.
enum TimeZones {
    /// Rows of one zone: a multiple of 64.
    static let rows = 4_096

    static func make(_ times: UnsafeBufferPointer<Int64>) -> [ClosedRange<Int64>] {
        stride(from: 0, to: times.count, by: rows).map { start in
            var (lowest, highest) = (Int64.max, Int64.min)
            for row in start..<min(times.count, start + rows) {
                lowest = min(lowest, times[row])
                highest = max(highest, times[row])
            }
            return lowest...highest
        }
    }
}

extension EventRows {
    /// The zones of `time` or `received`. Cost: for a segment constant but for the first call; else the rows.
    func timeZones(_ field: Field) throws -> [ClosedRange<Int64>] {
        if let reader = self as? SegmentReader { return try reader.keptTimeZones(field) }
        return try withTimes(field) { TimeZones.make($0) }
    }
}

extension SegmentReader {
    fileprivate func keptTimeZones(_ field: Field) throws -> [ClosedRange<Int64>] {
        if let zones = madeTimeZones.withLock({ $0[field] }) { return zones }
        let zones = try withTimes(field) { TimeZones.make($0) }
        madeTimeZones.withLock { $0[field] = zones }
        return zones
    }
}
