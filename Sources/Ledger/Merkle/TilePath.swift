/// The name of a tile or of an entry bundle: `tile/<L>/<N>[.p/<W>]` or `tile/entries/<N>[.p/<W>]`.
///
/// The format is that of C2SP `tlog-tiles`, sections "Merkle Tree" and "Log entries".
package struct TilePath: Hashable, Sendable, CustomStringConvertible {
    /// Hashes in a full tile, entries in a full bundle.
    package static let fullWidth = 256
    /// The highest level that a path can name.
    package static let maximumLevel = 63
    /// The highest index accepted, so that leaf positions of any level-0 tile fit 64 bits.
    package static let maximumIndex: UInt64 = (1 << 56) - 1

    /// What the path leads to.
    package enum Content: Hashable, Sendable {
        /// The tile of hashes at a level.
        case hashes(level: Int)
        /// The bundle of entries.
        case entries
    }

    /// What the path leads to.
    package let content: Content
    /// Which tile of its level.
    package let index: UInt64
    /// How many hashes or entries it holds, from 1 to 256; less than 256 is a partial tile.
    package let width: Int

    /// - Throws: ``LedgerError/Code/outOfRange`` for a level, index or width that no path can have.
    package init(_ content: Content, index: UInt64, width: Int = TilePath.fullWidth) throws {
        if case .hashes(let level) = content, !(0...Self.maximumLevel).contains(level) {
            throw LedgerError(.outOfRange, "there is no tile level \(level)")
        }
        guard index <= Self.maximumIndex else { throw LedgerError(.outOfRange, "tile index \(index) is too large") }
        guard (1...Self.fullWidth).contains(width) else {
            throw LedgerError(.outOfRange, "no tile has \(width) hashes")
        }
        self.init(unchecked: content, index: index, width: width)
    }

    private init(unchecked content: Content, index: UInt64, width: Int) {
        self.content = content
        self.index = index
        self.width = width
    }

    /// The tile at `level` and `index` in a tree of `size` leaves, with the width that it has there; `nil` when the tree
    /// has no such tile.
    init?(_ content: Content, index: UInt64, inTreeOf size: UInt64) {
        let hashes = Self.count(of: content, inTreeOf: size)
        guard index < (hashes + 255) / 256 else { return nil }
        let width = min(256, hashes - index * 256)
        self.init(unchecked: content, index: index, width: Int(width))
    }

    /// The number of hashes at a level, or of entries, in a tree of `size` leaves.
    static func count(of content: Content, inTreeOf size: UInt64) -> UInt64 {
        switch content {
        case .entries: size
        case .hashes(let level): level < 8 ? size >> (8 * UInt64(level)) : 0
        }
    }

    /// Whether this is a partial tile.
    package var isPartial: Bool { width < Self.fullWidth }

    /// The full tile of the same place, which clients fall back to when a partial one is gone.
    package var full: TilePath { TilePath(unchecked: content, index: index, width: Self.fullWidth) }

    /// The same place and width, of another content.
    func with(_ content: Content) -> TilePath { TilePath(unchecked: content, index: index, width: width) }

    package var description: String {
        let prefix =
            switch content {
            case .hashes(let level): "tile/\(level)/"
            case .entries: "tile/entries/"
            }
        return prefix + Self.groups(index) + (isPartial ? ".p/\(width)" : "")
    }

    /// An index in groups of three digits, all but the last with an `x` before them.
    private static func groups(_ index: UInt64) -> String {
        var rest = index
        var groups: [String] = []
        repeat {
            let digits = String(rest % 1000)
            let padded = String(repeating: "0", count: 3 - digits.count) + digits
            groups.append(groups.isEmpty ? padded : "x" + padded)
            rest /= 1000
        } while rest > 0
        return groups.reversed().joined(separator: "/")
    }
}

extension TilePath {
    /// The longest path that is looked at; the longest that can be right has 49 characters.
    private static let maximumLength = 64

    /// Reads a path, in the one spelling that `tlog-tiles` gives it.
    ///
    /// - Throws: ``LedgerError/Code/malformed`` for any other text.
    package init(parsing text: some StringProtocol) throws {
        guard text.utf8.count <= Self.maximumLength, let path = Self.read(String(text)), path.description == text else {
            throw LedgerError(.malformed, "this is no path of a tile or entry bundle")
        }
        self = path
    }

    /// Reads a path leniently; the caller compares it with its own canonical spelling.
    private static func read(_ text: String) -> TilePath? {
        var parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count >= 3, parts[0] == "tile" else { return nil }
        var width = UInt64(fullWidth)
        if parts[parts.count - 2].hasSuffix(".p") {
            guard let partial = StrictDecimal.decode(parts.removeLast()), partial < fullWidth else { return nil }
            width = partial
            parts[parts.count - 1].removeLast(2)
        }
        let content: Content
        if parts[1] == "entries" {
            content = .entries
        } else {
            guard let level = StrictDecimal.decode(parts[1]), level <= maximumLevel else { return nil }
            content = .hashes(level: Int(level))
        }
        var index: UInt64 = 0
        for group in parts[2...] {
            let digits = group.hasPrefix("x") ? group.dropFirst() : group
            guard digits.utf8.count == 3, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let value = UInt64(digits)
            else { return nil }
            index = index * 1000 + value
            guard index <= maximumIndex else { return nil }
        }
        return try? TilePath(content, index: index, width: Int(width))
    }
}
