import EventModel
import Testing

@testable import EventStore

@Suite struct SortOrderTests {
    private static let values: [QueryValue] = [
        .absent, .text(""), .text("a"), .text("abcdefgh"), .text("abcdefghi"), .text("abcdefgh\u{0}"), .text("é"),
        .text("10"), .json("{}"), .boolean(true), .boolean(false), .integer(0), .integer(-1), .integer(.max),
        .integer(.min), .integer(9_007_199_254_740_993), .integer(9_007_199_254_740_992), .decimal(-0.5), .decimal(0.5),
        .decimal(1e300), .decimal(-1e300), .time(Timestamp(rawValue: 5)), .time(Timestamp(rawValue: 6)),
        .time(Timestamp(rawValue: -1)), .time(Timestamp(rawValue: .max)), .list([.text("b"), .text("a")]), .list([]),
    ]

    @Test("Rows come in the order of their values, whatever decides it first", arguments: 1...20)
    func agreement(seed: Int) {
        var numbers = SeededNumbers(seed: UInt64(seed))
        let rows = (0..<60).map { _ in [numbers.pick(Self.values), numbers.pick(Self.values)] }
        for (first, second) in [(false, false), (true, false), (false, true), (true, true)] {
            let order = SortOrder([
                .init(value: { rows[$0][0] }, isDescending: first),
                .init(value: { rows[$0][1] }, isDescending: second),
            ]).sorted(rows.count)
            let expected = rows.indices.sorted { left, right in
                for (column, isDescending) in [(0, first), (1, second)] {
                    let order = QueryValue.sortOrder(
                        rows[left][column], rows[right][column], isDescending: isDescending)
                    if order != 0 { return order < 0 }
                }
                return left < right
            }
            #expect(order == expected)
        }
    }

    @Test("The leading bits never contradict the values", arguments: [false, true])
    func prefixes(isDescending: Bool) {
        for left in Self.values {
            for right in Self.values {
                let (one, other) = (
                    SortOrder.prefix(of: left, isDescending: isDescending),
                    SortOrder.prefix(of: right, isDescending: isDescending)
                )
                guard one != other else { continue }
                let order = QueryValue.sortOrder(left, right, isDescending: isDescending)
                #expect((one < other) == (order < 0), "\(left) and \(right)")
            }
        }
    }
}
