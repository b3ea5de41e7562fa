import Crypto
import EventModel
import Foundation
import Intake
import Ledger

/// Where followed files have gone.
extension FilePull {
    /// Brings the known places up to what lies in the directories now.
    func follow(
        _ places: inout Cursor, _ present: [FileStatus], isFirst: Bool,
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
        for file in present where !known.contains(file.inode) && !Self.isCompressed(file.path) {
            kept.append(
                Place(
                    path: file.path, inode: file.inode, origin: file.inode,
                    offset: isFirst && !readsFromStart ? file.size : 0, headLength: 0, head: "", grown: now().seconds))
        }
        for position in kept.indices where kept[position].headLength < Self.headBytes {
            Self.takeHead(&kept[position])
        }
        places.files = Array(kept.prefix(patterns.limit))
    }

    /// The file under another name in the same directory.
    private static func sibling(of place: Place) -> FileStatus? {
        let directory = (place.path as NSString).deletingLastPathComponent
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
            let path = directory + "/" + name
            if let status = FileStatus(of: path), status.inode == place.inode { return status }
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
            guard let status = FileStatus(of: path) else { continue }
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

    private static func beginsAlike(_ path: String, _ place: Place) -> Bool {
        guard place.headLength > 0 else { return true }
        guard let head = bytes(of: path, from: 0, atMost: place.headLength), head.count == place.headLength else {
            return false
        }
        return digest(head[...]) == place.head
    }

    private static func takeHead(_ place: inout Place) {
        guard !isCompressed(place.path), var head = bytes(of: place.path, from: 0, atMost: headBytes) else { return }
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
        LowercaseHex.encode(SHA256.hash(data: bytes))
    }
}
