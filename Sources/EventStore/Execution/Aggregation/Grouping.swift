/// Puts rows into groups by the codes of their keys: group numbers are dense enough to index arrays.
struct Grouping {
    let keys: [any ValueSource]
    /// Rows of each group number; 0 for a number that is a code nobody had.
    private(set) var rowCounts: [Int] = []
    /// Group numbers of the rows loaded last.
    private(set) var numbers: [UInt32] = []
    /// One table for each key after the first: pairs of (number so far, code).
    private var tables: [PairTable]

    init(_ keys: [any ValueSource]) {
        self.keys = keys
        tables = keys.dropFirst().map { _ in PairTable() }
    }

    /// Assigns the rows that the keys have just loaded.
    mutating func assign(rowCount: Int) {
        numbers.removeAll(keepingCapacity: true)
        guard let first = keys.first else {
            numbers.append(contentsOf: repeatElement(0, count: rowCount))
            if rowCounts.isEmpty { rowCounts = [0] }
            rowCounts[0] += rowCount
            return
        }
        numbers.append(contentsOf: first.codes)
        for (position, key) in keys.dropFirst().enumerated() {
            key.codes.withUnsafeBufferPointer { codes in
                for row in numbers.indices { numbers[row] = tables[position].number(numbers[row], codes[row]) }
            }
        }
        let bound = tables.last?.count ?? first.codeBound
        if rowCounts.count < bound { rowCounts.append(contentsOf: repeatElement(0, count: bound - rowCounts.count)) }
        rowCounts.withUnsafeMutableBufferPointer { counts in
            for number in numbers { counts[Int(number)] += 1 }
        }
    }

    /// Takes over rows that were counted by the codes of the only key.
    mutating func assign(counts: [Int]) { rowCounts = counts }

    var heldBytes: Int { tables.reduce(rowCounts.count * 8) { $0 + $1.heldBytes } }

    /// How many numbers there are to index arrays with.
    var bound: Int { rowCounts.count }

    /// The codes of a group's keys.
    func codes(of number: UInt32) -> [UInt32] {
        guard !keys.isEmpty else { return [] }
        var codes: [UInt32] = []
        var number = number
        for table in tables.reversed() {
            codes.append(table.right(number))
            number = table.left(number)
        }
        codes.append(number)
        return codes.reversed()
    }
}
