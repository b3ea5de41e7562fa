import Connectors

/// Files of directories that are read again when they changed and have looked the same at two looks, so that none is half
/// written.
struct SettledFiles: Sendable {
    private let directories: [String]
    private let fingerprint: @Sendable ([String]) -> [String]
    /// What they looked like when they were last read, rightly or wrongly.
    private var read: [String]
    /// What they looked like at the last look.
    private var seen: [String]

    /// For files that are read now.
    init(
        directories: [String],
        fingerprint: @escaping @Sendable ([String]) -> [String] = { ConnectorCatalogue.fingerprint(ofFilesIn: $0) }
    ) {
        self.directories = directories
        self.fingerprint = fingerprint
        read = fingerprint(directories)
        seen = read
    }

    /// Takes a look.
    ///
    /// - Returns: What they look like, when they are to be read; to be given to ``wereRead(_:)``.
    /// - Complexity: One look at each file's attributes.
    mutating func due() -> [String]? {
        let now = fingerprint(directories)
        defer { seen = now }
        return now != read && now == seen ? now : nil
    }

    mutating func wereRead(_ look: [String]) { read = look }
}
