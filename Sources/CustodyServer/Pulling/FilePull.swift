import Connectors
import Crypto
import EventModel
import Foundation
import Intake
import NIOPosix

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Follows text files, line by line, through rotation.
///
/// A file is known by its inode and a digest of its first bytes. A file that was renamed is read to its end where it is now; one
/// that was compressed, in its `.gz`; one that was copied and truncated, in the copy. What cannot be found any more is a gap.
struct FilePull: PullAdapter {
    /// Bytes of one page; a page is one delivery.
    static let pageBytes = 4 << 20
    /// Files that one pull follows.
    static let maximumFiles = 1_000
    /// A file that is younger than this many bytes has no digest worth comparing.
    static let headBytes = 256
    /// How long a file that was renamed away is still followed after its last line: its writer may not have noticed yet.
    static let settlingSeconds: Int64 = 60
    /// A rotated file is unpacked whole to find the place in it.
    static let maximumUnpackedBytes = 256 << 20

    /// Where reading is in one file.
    struct Place: Codable, Equatable {
        var path: String
        var inode: UInt64
        /// The inode that it had when it was first seen: copies have others, and ids must not change.
        var origin: UInt64
        var offset: UInt64
        /// Of how many first bytes the digest is.
        var headLength: Int
        var head: String
        /// When something was read from it last, in seconds since 1970.
        var grown: Int64
    }

    struct Cursor: Codable, Equatable {
        var files: [Place] = []
    }

    private struct Chunk {
        var lines: [(offset: UInt64, bytes: ArraySlice<UInt8>)] = []
        var end: UInt64
        var isAtEnd: Bool
    }

    /// Paths, each with `*` in its last component or without.
    let patterns: [String]
    /// The longest line; a longer one is cut.
    let lineBytes: Int
    /// Whether files that are there at the very first pull are read from their beginning.
    let readsFromStart: Bool
    let now: @Sendable () -> Timestamp

    func page(after cursor: PullCursor?) async throws -> PullPage {
        // Files are read on threads that may block.
        try await NIOThreadPool.singleton.runIfActive { try read(after: cursor) }
    }

    func read(after cursor: PullCursor?) throws -> PullPage {
        var places = try cursor.map { try Self.decode($0) } ?? Cursor()
        let isFirst = cursor == nil
        var gaps: [PullGap] = []
        let present = try Self.files(of: patterns)
        follow(&places, present, isFirst: isFirst, &gaps)

        var page = PullPage(cursor: nil, gaps: gaps)
        var body: [UInt8] = []
        var frames: [DeliveryFrame] = []
        var finished: Set<UInt64> = []
        for position in places.files.indices {
            guard body.count < Self.pageBytes else {
                page.hasMore = true
                break
            }
            guard let chunk = try chunk(of: places.files[position], atMost: Self.pageBytes - body.count) else {
                continue
            }
            let place = places.files[position]
            for line in chunk.lines {
                frames.append(
                    DeliveryFrame(
                        range: body.count..<body.count + line.bytes.count,
                        part: "\(place.path)@\(line.offset)",
                        identifier: "file:\(place.head.prefix(16)):\(place.origin)@\(line.offset)",
                        warning: line.bytes.count == lineBytes ? "the line is cut to \(lineBytes) bytes" : nil))
                body.append(contentsOf: line.bytes)
            }
            if chunk.end > place.offset { places.files[position].grown = now().seconds }
            places.files[position].offset = chunk.end
            if !chunk.isAtEnd {
                page.hasMore = true
            } else if Self.isCompressed(place.path) {
                finished.insert(place.inode)
            }
        }
        // A file that was renamed away, read to its end and quiet since, is done with.
        let followed = Set(present.map(\.inode))
        let settled = now().seconds - Self.settlingSeconds
        places.files.removeAll { place in
            if finished.contains(place.inode) { return true }
            guard !followed.contains(place.inode), !Self.isCompressed(place.path) else { return false }
            return place.grown <= settled && Self.size(of: place.path).map { place.offset >= $0 } ?? false
        }
        if !frames.isEmpty {
            page.delivery = Delivery(
                method: "FILE", headers: DeliveryHeaders(), body: body, received: now(), frames: frames)
        }
        page.cursor = try Self.encode(places)
        return page
    }

    // MARK: Rotation

    /// Brings the known places up to what lies in the directories now.
    private func follow(
        _ places: inout Cursor, _ present: [(path: String, inode: UInt64, size: UInt64)], isFirst: Bool,
        _ gaps: inout [PullGap]
    ) {
        var kept: [Place] = []
        for var place in places.files {
            if let file = present.first(where: { $0.inode == place.inode }) ?? Self.sibling(of: place),
                Self.isCompressed(file.path) || file.size >= place.offset && Self.beginsAlike(file.path, place)
            {
                place.path = file.path
                kept.append(place)
            } else if let copy = Self.copy(of: place) {
                // What stands under the old name or number is another file, which is found below.
                kept.append(copy)
            } else {
                let isThere = present.contains { $0.path == place.path }
                gaps.append(
                    PullGap(
                        place: place.path,
                        reason: "the file was \(isThere ? "truncated or replaced" : "removed and is gone"); "
                            + "what was behind byte \(place.offset) is unknown"))
            }
        }
        let known = Set(kept.map(\.inode))
        for file in present where !known.contains(file.inode) && !file.path.hasSuffix(".gz") {
            kept.append(
                Place(
                    path: file.path, inode: file.inode, origin: file.inode,
                    offset: isFirst && !readsFromStart ? file.size : 0, headLength: 0, head: "", grown: now().seconds))
        }
        for position in kept.indices where kept[position].headLength < Self.headBytes {
            Self.takeHead(&kept[position])
        }
        places.files = Array(kept.prefix(Self.maximumFiles))
    }

    /// The file under another name in the same directory.
    private static func sibling(of place: Place) -> (path: String, inode: UInt64, size: UInt64)? {
        let directory = (place.path as NSString).deletingLastPathComponent
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
            let path = directory + "/" + name
            if let status = status(of: path), status.inode == place.inode { return (path, status.inode, status.size) }
        }
        return nil
    }

    /// What rotation left of it under a longer name: a copy, or a `.gz`, that begins as the file did.
    private static func copy(of place: Place) -> Place? {
        guard place.headLength > 0 else { return nil }
        let url = place.path as NSString
        let directory = url.deletingLastPathComponent
        let stem = url.lastPathComponent
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        for name in names.sorted() where name.hasPrefix(stem) && name != stem {
            let path = directory + "/" + name
            guard let status = status(of: path) else { continue }
            if isCompressed(path) {
                guard let bytes = unpacked(path), bytes.count >= max(place.headLength, Int(clamping: place.offset)),
                    digest(bytes.prefix(place.headLength)) == place.head
                else { continue }
            } else {
                guard status.size >= place.offset, beginsAlike(path, place) else { continue }
            }
            var rest = place
            rest.path = path
            rest.inode = status.inode
            return rest
        }
        return nil
    }

    private static func isCompressed(_ path: String) -> Bool { path.hasSuffix(".gz") }

    private static func unpacked(_ path: String) -> [UInt8]? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        return try? ContentDecoding(limit: maximumUnpackedBytes).decode(Array(data), encoding: "gzip")
    }

    private static func beginsAlike(_ path: String, _ place: Place) -> Bool {
        guard place.headLength > 0 else { return true }
        guard let head = bytes(of: path, from: 0, atMost: place.headLength), head.count == place.headLength else {
            return false
        }
        return digest(head[...]) == place.head
    }

    private static func takeHead(_ place: inout Place) {
        guard !place.path.hasSuffix(".gz"), var head = bytes(of: place.path, from: 0, atMost: headBytes) else { return }
        if head.count < headBytes {
            // A line that is still being written may be anything yet.
            head.removeSubrange((head.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0)...)
        }
        guard head.count > place.headLength else { return }
        // Ids are made of the digest, so one that was used stays.
        guard place.offset == 0 || place.headLength == 0 else { return }
        place.headLength = head.count
        place.head = digest(head[...])
    }

    private static func digest(_ bytes: ArraySlice<UInt8>) -> String {
        SHA256.hash(data: bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    // MARK: Reading

    /// Whole lines behind a place; nil when the file cannot be read now.
    private func chunk(of place: Place, atMost limit: Int) throws -> Chunk? {
        // Until a first line is there, there is nothing to know the file by.
        guard place.headLength > 0 else { return nil }
        let size = max(limit, lineBytes + 1)
        let bytes: [UInt8]
        if place.path.hasSuffix(".gz") {
            guard let all = Self.unpacked(place.path), UInt64(all.count) >= place.offset else { return nil }
            bytes = Array(all.dropFirst(Int(place.offset)).prefix(size))
        } else {
            guard let read = Self.bytes(of: place.path, from: place.offset, atMost: size) else { return nil }
            bytes = read
        }
        var chunk = Chunk(end: place.offset, isAtEnd: bytes.count < size)
        var start = 0
        while start < bytes.count {
            let end: Int
            if let found = bytes[start...].firstIndex(of: 0x0A), found - start <= lineBytes {
                end = found
            } else if bytes.count - start > lineBytes {
                // A line that is too long is cut where a line may end at the latest; the rest is read as lines of their own.
                end = start + lineBytes
            } else if place.path.hasSuffix(".gz"), chunk.isAtEnd {
                // A file that will not grow any more has said all of its last line.
                end = bytes.count
            } else {
                break
            }
            var line = bytes[start..<end]
            while let last = line.last, last == 0x0D { line = line.dropLast() }
            if line.contains(where: { $0 > 0x20 }) {
                chunk.lines.append((place.offset + UInt64(start), line))
            }
            start = end < bytes.count && bytes[end] == 0x0A ? end + 1 : end
            chunk.end = place.offset + UInt64(start)
        }
        return chunk
    }

    private static func bytes(of path: String, from offset: UInt64, atMost count: Int) -> [UInt8]? {
        guard let handle = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? handle.close() }
        do {
            try handle.seek(toOffset: offset)
            return Array(try handle.read(upToCount: count) ?? Data())
        } catch {
            return nil
        }
    }

    // MARK: Finding files

    /// The regular files of the patterns, in the patterns' order and then by name.
    static func files(of patterns: [String]) throws -> [(path: String, inode: UInt64, size: UInt64)] {
        var found: [(path: String, inode: UInt64, size: UInt64)] = []
        for pattern in patterns {
            let url = pattern as NSString
            let directory = url.deletingLastPathComponent
            let last = url.lastPathComponent
            let names: [String]
            if last.contains("*") {
                guard let listed = try? FileManager.default.contentsOfDirectory(atPath: directory) else {
                    throw PullError(.unavailable, "the directory \(directory) cannot be read")
                }
                names = listed.filter { matches($0, last) }.sorted()
            } else {
                names = [last]
            }
            for name in names {
                let path = directory.isEmpty ? name : directory + "/" + name
                guard let status = status(of: path), !found.contains(where: { $0.inode == status.inode }) else {
                    continue
                }
                guard found.count < maximumFiles else {
                    throw PullError(.malformed, "more than \(maximumFiles) files")
                }
                found.append((path, status.inode, status.size))
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

    private static func status(of path: String) -> (inode: UInt64, size: UInt64)? {
        var result = stat()
        guard stat(path, &result) == 0, result.st_mode & S_IFMT == S_IFREG else { return nil }
        return (UInt64(result.st_ino), UInt64(max(0, result.st_size)))
    }

    private static func size(of path: String) -> UInt64? { status(of: path)?.size }

    // MARK: The cursor

    private static func decode(_ cursor: PullCursor) throws -> Cursor {
        do {
            return try JSONDecoder().decode(Cursor.self, from: Data(cursor.text.utf8))
        } catch {
            throw PullError(.malformed, "the cursor is not one of files")
        }
    }

    private static func encode(_ cursor: Cursor) throws -> PullCursor {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return PullCursor(String(decoding: try encoder.encode(cursor), as: UTF8.self))
    }
}
