import Crypto
import Foundation

/// The digests of files that a build step reads or makes.
enum FileDigests {
    /// Files of one step; an event lists artifacts, it is no inventory.
    static let maximumFiles = 1_000

    struct Entry: Equatable {
        let path: String
        /// SHA-256, lower-case hexadecimal.
        let digest: String
        let size: Int64
    }

    /// The files of some paths, a directory's with those below it, by path.
    ///
    /// - Throws: ``CommandFailure`` `refused` for what cannot be read, and for more than ``maximumFiles``.
    static func of(_ paths: [String]) throws -> [Entry] {
        var files: Set<String> = []
        for path in paths {
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
                throw CommandFailure(.refused, "\(path): no such file")
            }
            guard isDirectory.boolValue else {
                files.insert(path)
                continue
            }
            for name in (try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? [] {
                let below = path + "/" + name
                guard FileManager.default.fileExists(atPath: below, isDirectory: &isDirectory), !isDirectory.boolValue
                else {
                    continue
                }
                files.insert(below)
            }
        }
        guard files.count <= maximumFiles else {
            throw CommandFailure(.refused, "more than \(maximumFiles) files to digest")
        }
        return try files.sorted().map(entry)
    }

    private static func entry(_ path: String) throws -> Entry {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw CommandFailure(.refused, "\(path): cannot be read")
        }
        defer { try? handle.close() }
        var hash = SHA256()
        var size: Int64 = 0
        do {
            while let data = try handle.read(upToCount: 1 << 20), !data.isEmpty {
                hash.update(data: data)
                size += Int64(data.count)
            }
        } catch {
            throw CommandFailure(.refused, "\(path): \(error.localizedDescription)")
        }
        let digest = hash.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return Entry(path: path, digest: digest, size: size)
    }
}
