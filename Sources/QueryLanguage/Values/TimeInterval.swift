package import EventModel

/// The moments from `lower` up to, not including, `upper`; nil is unbounded. Empty when `lower` is not before `upper`.
package struct TimeInterval: Hashable, Sendable {
    package let lower: Timestamp?
    package let upper: Timestamp?

    package init(from lower: Timestamp? = nil, to upper: Timestamp? = nil) {
        self.lower = lower
        self.upper = upper
    }

    package static let unbounded = TimeInterval()

    package var isEmpty: Bool {
        guard let lower, let upper else { return false }
        return lower >= upper
    }

    package func contains(_ moment: Timestamp) -> Bool {
        (lower.map { $0 <= moment } ?? true) && (upper.map { moment < $0 } ?? true)
    }

    package func intersection(_ other: TimeInterval) -> TimeInterval {
        TimeInterval(
            from: [lower, other.lower].compactMap(\.self).max(), to: [upper, other.upper].compactMap(\.self).min())
    }

    /// The smallest interval that holds both; an empty one adds nothing.
    package func hull(_ other: TimeInterval) -> TimeInterval {
        if isEmpty { return other }
        if other.isEmpty { return self }
        return TimeInterval(
            from: lower.flatMap { one in other.lower.map { min(one, $0) } },
            to: upper.flatMap { one in other.upper.map { max(one, $0) } })
    }
}

extension ValueMatch {
    /// The moments that it accepts, when it compares times; nil when it does not.
    package var timeInterval: TimeInterval? {
        switch self {
        case .compare(let comparison, .time(let time)):
            switch comparison {
            case .equal: TimeInterval(from: time.start, to: time.end)
            case .less: TimeInterval(to: time.start)
            case .lessOrEqual: TimeInterval(to: time.end)
            case .greater: TimeInterval(from: time.end)
            case .greaterOrEqual: TimeInterval(from: time.start)
            }
        case .range(.time(let lower), .time(let upper)): TimeInterval(from: lower.start, to: upper.start)
        default: nil
        }
    }

    /// The addresses that it accepts, when it compares addresses; nil when it does not, or accepts none.
    package var addressRange: AddressRange? {
        switch self {
        case .network(let range): return range
        case .range(.address(let lower), .address(let upper)):
            return lower <= upper ? AddressRange(lower, upper) : nil
        case .compare(let comparison, .address(let address)):
            let (lowest, highest) = (IPAddress(value: 0), IPAddress(value: .max))
            switch comparison {
            case .equal: return AddressRange(address, address)
            case .lessOrEqual: return AddressRange(lowest, address)
            case .greaterOrEqual: return AddressRange(address, highest)
            case .less: return address == lowest ? nil : AddressRange(lowest, IPAddress(value: address.value - 1))
            case .greater: return address == highest ? nil : AddressRange(IPAddress(value: address.value + 1), highest)
            }
        default: return nil
        }
    }
}
