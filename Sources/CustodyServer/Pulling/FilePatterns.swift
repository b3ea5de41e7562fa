import Foundation
import Intake

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What the system says of a regular file.
struct FileStatus: Equatable {
    var path: String
    var inode: UInt64
    var size: UInt64

    /// - Returns: nil for what is not there, or no regular file.
    init?(of path: String) {
        var result = stat()
        guard stat(path, &result) == 0, result.st_mode & S_IFMT == S_IFREG else { return nil }
        self.path = path
        inode = UInt64(result.st_ino)
        size = UInt64(max(0, result.st_size))
    }
}

/// The files that a pull is to follow: paths, each with `*` in its last component or without.
struct FilePatterns: Equatable, Sendable {
    /// Files that one pull follows: each is looked at in each round.
    static let maximumFiles = 1_000

    let patterns: [String]
    var limit = maximumFiles

    /// The regular files of the patterns, in the patterns' order and then by name; each once.
    ///
    /// - Throws: ``PullError`` for a directory that cannot be read, and for too many files.
    func files() throws -> [FileStatus] {
        var found: [FileStatus] = []
        var inodes: Set<UInt64> = []
        for pattern in patterns {
            let url = pattern as NSString
            let directory = url.deletingLastPathComponent
            let last = url.lastPathComponent
            let names: [String]
            if last.contains("*") {
                guard let listed = try? FileManager.default.contentsOfDirectory(atPath: directory) else {
                    throw PullError(.unavailable, "the directory \(directory) cannot be read")
                }
                names = listed.filter { Self.matches($0, last) }.sorted()
            } else {
                names = [last]
            }
            for name in names {
                let path = directory.isEmpty ? name : directory + "/" + name
                guard let status = FileStatus(of: path), inodes.insert(status.inode).inserted else { continue }
                guard found.count < limit else { throw PullError(.malformed, "more than \(limit) files") }
                found.append(status)
            }
        }
        return found
    }

    static func matches(_ name: String, _ pattern: String) -> Bool {
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
        guard let first = parts.first, let last = parts.last, name.hasPrefix(first) else { return false }
        var rest = name.dropFirst(first.count)
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let range = rest.range(of: part) else { return false }
            rest = rest[range.upperBound...]
        }
        return parts.count == 1 ? rest.isEmpty : rest.hasSuffix(last)
    }
}
