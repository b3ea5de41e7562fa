import EventModel
import QueryLanguage

/// Puts rows in order by values, absent ones last; rows that are equal keep the order they had.
///
/// Rows are compared by the leading bits of their first key, which decide nearly always, and only then value by value.
struct SortOrder {
    struct Key {
        /// The value of a row.
        let value: (Int) -> QueryValue
        let isDescending: Bool
    }

    private let keys: [Key]
    /// For what is equal by all keys; nil leaves it as it was.
    private let precedes: ((Int, Int) -> Bool)?

    init(_ keys: [Key], tie precedes: ((Int, Int) -> Bool)? = nil) {
        self.keys = keys
        self.precedes = precedes
    }

    /// The numbers of the first `limit` rows, in order.
    func sorted(_ count: Int, limit: Int = .max) -> [Int] {
        guard let first = keys.first else { return Array((0..<count).prefix(limit)) }
        let prefixes = (0..<count).map { Self.prefix(of: first.value($0), isDescending: first.isDescending) }
        let order = (0..<count).sorted { left, right in
            if prefixes[left] != prefixes[right] { return prefixes[left] < prefixes[right] }
            for key in keys {
                let order = QueryValue.sortOrder(key.value(left), key.value(right), isDescending: key.isDescending)
                if order != 0 { return order < 0 }
            }
            if let precedes {
                if precedes(left, right) { return true }
                if precedes(right, left) { return false }
            }
            return left < right
        }
        return order.count > limit ? Array(order.prefix(limit)) : order
    }

    /// A number that orders as the value does, as far as 64 bits go: equal ones are compared in full.
    static func prefix(of value: QueryValue, isDescending: Bool) -> UInt64 {
        let ascending: UInt64
        // The kinds in their order, in the two highest bits.
        switch value.single {
        case .absent, .list: return .max
        case .integer(let number): ascending = ordered(Double(number)) >> 2
        case .decimal(let number): ascending = ordered(number) >> 2
        case .time(let time): ascending = 1 << 62 | UInt64(bitPattern: time.rawValue ^ .min) >> 2
        case .boolean(let value): ascending = 2 << 62 | leading(value ? "true" : "false") >> 2
        case .text(let text), .json(let text): ascending = 2 << 62 | leading(text) >> 2
        }
        return isDescending ? .max - 1 - ascending : ascending
    }

    /// The bits of a number such that they ascend as the numbers do.
    private static func ordered(_ number: Double) -> UInt64 {
        let bits = (number == 0 ? 0 : number).bitPattern
        return bits >> 63 == 0 ? bits | 1 << 63 : ~bits
    }

    /// The first eight bytes.
    private static func leading(_ text: String) -> UInt64 {
        var prefix: UInt64 = 0
        var shift: UInt64 = 56
        for byte in text.utf8.prefix(8) {
            prefix |= UInt64(byte) << shift
            shift &-= 8
        }
        return prefix
    }
}
