/// What is known of each leaf that is compared; the worst that was found counts.
struct LeafMarks {
    private enum Mark: UInt8 { case unseen, verified, altered }

    /// The first leaf that has to be accounted for; those below it were verified before.
    private let first: Int
    private var marks: [Mark]
    /// Altered leaves below ``first``: records, which are always compared.
    private var alteredBefore: Set<UInt64> = []

    init(from first: UInt64, size: UInt64) {
        self.first = Int(first)
        marks = Array(repeating: .unseen, count: Int(size - first))
    }

    mutating func add(_ comparison: LeafComparison) {
        for index in comparison.verified {
            guard let place = place(of: index), marks[place] == .unseen else { continue }
            marks[place] = .verified
        }
        for index in comparison.altered {
            if let place = place(of: index) { marks[place] = .altered } else { alteredBefore.insert(index) }
        }
    }

    private func place(of index: UInt64) -> Int? { Int(index) >= first ? Int(index) - first : nil }

    private func count(_ mark: Mark) -> UInt64 { UInt64(marks.lazy.filter { $0 == mark }.count) }
    var verified: UInt64 { count(.verified) }
    var altered: UInt64 { count(.altered) + UInt64(alteredBefore.count) }
    var compared: UInt64 { UInt64(marks.count) - count(.unseen) }

    /// The leaves whose events are nowhere, ascending.
    var unseen: some Sequence<UInt64> {
        marks.indices.lazy.filter { marks[$0] == .unseen }.map { UInt64($0 + first) }
    }

    func isVerified(_ index: UInt64) -> Bool { place(of: index).map { marks[$0] == .verified } ?? false }
}
