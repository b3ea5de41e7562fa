/// One event among the segments of a search, with what the default order needs.
struct RowReference: Sendable, Equatable {
    let time: Int64
    let index: UInt64
    /// The number of the segment in the search's list.
    let segment: Int32
    let row: Int32
}

/// The order of events by time and, at the same time, by leaf index: newest first, or exactly the reverse.
struct TimeOrder: Sendable {
    let isOldestFirst: Bool

    func precedes(_ left: RowReference, _ right: RowReference) -> Bool {
        if left.time != right.time { return isOldestFirst ? left.time < right.time : left.time > right.time }
        return isOldestFirst ? left.index < right.index : left.index > right.index
    }

    /// Whether an event comes after a place in the order.
    func follows(_ row: RowReference, time: Int64, index: UInt64) -> Bool {
        precedes(RowReference(time: time, index: index, segment: 0, row: 0), row)
    }
}

/// The first rows of an order among all that are offered.
struct FirstRows: Sendable {
    let order: TimeOrder
    let capacity: Int
    private var rows: [RowReference] = []
    /// The last of the first `capacity` rows seen so far, once there are so many.
    private var last: RowReference?

    init(_ order: TimeOrder, capacity: Int) {
        self.order = order
        self.capacity = capacity
    }

    var isFull: Bool { last != nil }

    /// Whether a row could still be among the first.
    func admits(_ row: RowReference) -> Bool { last.map { order.precedes(row, $0) } ?? (capacity > 0) }

    /// How far the order is decided.
    struct Bound: Sendable {
        let order: TimeOrder
        let last: RowReference?

        /// Whether no row at or beyond a moment, in the direction of the order, can be among the first any more.
        func excludes(time: Int64) -> Bool {
            guard let last else { return false }
            return order.isOldestFirst ? time > last.time : time < last.time
        }
    }

    /// A copy of this costs nothing, one of the rows might.
    var bound: Bound { Bound(order: order, last: last) }

    func excludes(time: Int64) -> Bool { bound.excludes(time: time) }

    mutating func insert(_ row: RowReference) {
        guard admits(row) else { return }
        rows.append(row)
        // Cutting back to the capacity only at twice of it keeps the cost of each row at O(log capacity).
        if rows.count >= max(capacity * 2, 64) { cut() }
    }

    mutating func insert(_ other: FirstRows) {
        for row in other.rows { insert(row) }
    }

    private mutating func cut() {
        rows.sort(by: order.precedes)
        if rows.count > capacity { rows.removeLast(rows.count - capacity) }
        if rows.count == capacity { last = rows.last }
    }

    /// The rows in order.
    mutating func finish() -> [RowReference] {
        cut()
        return rows
    }
}
