import Foundation

/// Whole lines out of files, plain and compressed.
extension FilePull {
    /// Whole lines behind a place; nil when the file cannot be read now.
    func chunk(of place: Place, atMost limit: Int) throws -> Chunk? {
        // Until a first line is there, there is nothing to know the file by.
        guard place.headLength > 0 else { return nil }
        let size = max(limit, lineBytes + 1)
        let bytes: [UInt8]
        if Self.isCompressed(place.path) {
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
            } else if Self.isCompressed(place.path), chunk.isAtEnd {
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

    static func bytes(of path: String, from offset: UInt64, atMost count: Int) -> [UInt8]? {
        guard let handle = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? handle.close() }
        do {
            try handle.seek(toOffset: offset)
            return Array(try handle.read(upToCount: count) ?? Data())
        } catch {
            return nil
        }
    }

    static func isCompressed(_ path: String) -> Bool { path.hasSuffix(".gz") }

    static func unpacked(_ path: String) -> [UInt8]? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        return try? ContentDecoding(limit: maximumUnpackedBytes).decode(Array(data), encoding: "gzip")
    }
}
