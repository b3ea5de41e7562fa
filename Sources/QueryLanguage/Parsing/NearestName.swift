/// Finds the right name for a misspelt one.
enum NearestName {
    /// The candidate with the fewest edits, or one that continues or abbreviates the name; nil when none is near.
    static func of(_ name: String, in candidates: [String]) -> String? {
        let typed = Array(name.lowercased().utf8.prefix(64))
        let allowed = max(1, (typed.count + 1) / 3)
        var best: (name: String, cost: Int)?
        for candidate in candidates {
            let wanted = Array(candidate.lowercased().utf8)
            let distance = edits(typed, wanted)
            let isAbbreviation =
                min(typed.count, wanted.count) >= 3 && (wanted.starts(with: typed) || typed.starts(with: wanted))
            guard distance <= allowed || isAbbreviation else { continue }
            // One slip of the finger is likelier than an abbreviation, and that likelier than several slips.
            let cost = distance <= 1 ? distance : isAbbreviation ? 2 : distance + 1
            if best.map({ cost < $0.cost }) ?? true { best = (candidate, cost) }
        }
        return best?.name
    }

    /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
    static func edits(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast = [Int](repeating: 0, count: right.count + 1)
        var last = Array(0...right.count)
        for row in 0..<left.count {
            var current = [row + 1] + [Int](repeating: 0, count: right.count)
            for column in 0..<right.count {
                let replaced = last[column] + (left[row] == right[column] ? 0 : 1)
                var fewest = min(replaced, last[column + 1] + 1, current[column] + 1)
                let isSwap =
                    row > 0 && column > 0 && left[row] == right[column - 1] && left[row - 1] == right[column]
                if isSwap { fewest = min(fewest, beforeLast[column - 1] + 1) }
                current[column + 1] = fewest
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
