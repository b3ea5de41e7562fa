/// A length of time as people type it: `15m`, `24h`, `7d`.
package struct QueryDuration: Hashable, Sendable {
    package enum Unit: String, CaseIterable, Hashable, Sendable {
        case second = "s"
        case minute = "m"
        case hour = "h"
        case day = "d"
        case week = "w"

        var nanoseconds: Int64 {
            switch self {
            case .second: 1_000_000_000
            case .minute: 60_000_000_000
            case .hour: 3_600_000_000_000
            case .day: 86_400_000_000_000
            case .week: 604_800_000_000_000
            }
        }
    }

    package let amount: Int64
    package let unit: Unit
    package let nanoseconds: Int64

    /// Nil when the amount is negative or the whole exceeds what 64 bits of nanoseconds hold.
    package init?(_ amount: Int64, _ unit: Unit) {
        let (product, overflow) = amount.multipliedReportingOverflow(by: unit.nanoseconds)
        guard amount >= 0, !overflow else { return nil }
        self.amount = amount
        self.unit = unit
        nanoseconds = product
    }

    /// Reads digits and one unit letter.
    package init?(parsing text: String) {
        guard let last = text.last, let unit = Unit(rawValue: String(last)) else { return nil }
        let digits = text.dropLast()
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let amount = Int64(digits)
        else { return nil }
        self.init(amount, unit)
    }

    package var text: String { "\(amount)\(unit.rawValue)" }
}
