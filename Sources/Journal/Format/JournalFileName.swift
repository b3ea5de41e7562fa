import SystemPackage

/// The names of the files in a journal's directory.
enum JournalFileName {
    static let suffix = ".journal"
    private static let digits = 20

    /// `NNNNNNNNNNNNNNNNNNNN.journal`: the first index in 20 decimal digits, so that names sort as numbers.
    static func name(firstIndex: UInt64) -> String {
        padded(firstIndex) + suffix
    }

    /// The first index that a name stands for; nil for every name that the journal does not give.
    static func firstIndex(of name: String) -> UInt64? {
        guard name.hasSuffix(suffix), let index = UInt64(name.dropLast(suffix.count)) else { return nil }
        return self.name(firstIndex: index) == name ? index : nil
    }

    /// Where the bytes of a torn write are kept: `torn-NNNNNNNNNNNNNNNNNNNN.bin`, or `….2.bin` and so on when the same
    /// index was torn before.
    static func tornName(index: UInt64, attempt: Int) -> String {
        "torn-" + padded(index) + (attempt == 1 ? "" : ".\(attempt)") + ".bin"
    }

    private static func padded(_ index: UInt64) -> String {
        let text = String(index)
        return String(repeating: "0", count: digits - text.count) + text
    }
}
