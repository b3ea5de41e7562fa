/// How many rows have each code of a dictionary, in a byte a code: of the many values of a large column nearly all are rare.
///
/// What does not fit a byte is kept beside, which is at most one code for every 255 rows.
struct CompactCounts: Sendable {
    private static let full = 255

    private let bytes: [UInt8]
    private let large: [Int: Int]

    /// - Parameter counts: by code.
    init(_ counts: [Int]) {
        var large: [Int: Int] = [:]
        bytes = counts.indices.map { code in
            guard counts[code] >= Self.full else { return UInt8(counts[code]) }
            large[code] = counts[code]
            return UInt8(Self.full)
        }
        self.large = large
    }

    @inline(__always)
    subscript(code: Int) -> Int {
        let count = Int(bytes[code])
        return count < Self.full ? count : large[code] ?? Self.full
    }

    /// Bytes that it holds, nearly.
    var byteCount: Int { bytes.count + large.count * 40 }
}
