internal import SystemPackage

/// Where things are in the ledger's directory, and how large they are there.
///
/// Entries are in parts of 2^20. A part has three files: `entries/NNNNNN.roots`, 32 bytes an entry;
/// `entries/NNNNNN.details`, see ``DetailColumn``; `entries/NNNNNN.bundles`, for each full bundle its level-1 hash and,
/// in 4 bytes big-endian, where its details end in the part. Hashes of level 2 and above are in `levels/L`, 32 bytes
/// each. Level-0 tiles are computed from the entries. All files only grow, until a restart cuts off what was never
/// published.
struct LedgerLayout: Sendable {
    /// Entries in a part: few enough for a file to be copied whole, many enough for 10^9 entries to be in 1,000 parts.
    static let partSize: UInt64 = 1 << 20
    /// Full bundles in a part.
    static let bundlesPerPart = partSize / 256
    /// The bytes of one full bundle's record.
    static let bundleRecordSize: UInt64 = 36
    /// The lowest level with a file of its own.
    static let lowestStoredLevel = 2
    /// The highest level that a tree with 64-bit indexes has.
    static let highestLevel = 7

    let directory: FilePath

    var checkpoint: FilePath { directory.appending("checkpoint") }
    /// The size and root that are synchronised, when a checkpoint does not cover them yet.
    var head: FilePath { directory.appending("head") }
    var entries: FilePath { directory.appending("entries") }
    var levels: FilePath { directory.appending("levels") }

    func roots(part: UInt64) -> FilePath { entries.appending(Self.partName(part) + ".roots") }
    func details(part: UInt64) -> FilePath { entries.appending(Self.partName(part) + ".details") }
    func bundles(part: UInt64) -> FilePath { entries.appending(Self.partName(part) + ".bundles") }
    func level(_ level: Int) -> FilePath { levels.appending("\(level)") }

    private static func partName(_ part: UInt64) -> String {
        let digits = String(part)
        return String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }
}
