import Connectors
import EventModel
import Foundation
import Intake
import NIOPosix

/// Follows text files, line by line, through rotation.
///
/// A file is known by its inode and a digest of its first bytes. A file that was renamed is read to its end where it is now; one
/// that was compressed, in its `.gz`; one that was copied and truncated, in the copy. What cannot be found any more is a gap.
struct FilePull: PullAdapter {
    /// Bytes of one page; a page is one delivery.
    static let pageBytes = 4 << 20
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

    struct Chunk {
        var lines: [(offset: UInt64, bytes: ArraySlice<UInt8>)] = []
        var end: UInt64
        var isAtEnd: Bool
    }

    let patterns: FilePatterns
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
        let present = try patterns.files()
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
            return place.grown <= settled && FileStatus(of: place.path).map { place.offset >= $0.size } ?? false
        }
        if !frames.isEmpty {
            page.delivery = Delivery(
                method: "FILE", headers: DeliveryHeaders(), body: body, received: now(), frames: frames)
        }
        page.cursor = try Self.encode(places)
        return page
    }

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
