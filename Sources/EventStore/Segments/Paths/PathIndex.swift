import EventModel

/// The payload paths of a segment. Immutable once read.
final class PathIndex: Sendable {
    struct Entry: Sendable {
        /// Its place among the names: what tells entries apart, for those without data begin where the next one does.
        let number: Int
        let present: Int
        let keepsValues: Bool
        let hasStarts: Bool
        let valueCount: Int
        let entryCount: Int
        let data: Range<Int>
    }

    /// What the index says of a path as it is typed.
    enum Answer {
        /// Nothing: the records decide.
        case unknown
        /// No row but the wide ones has it.
        case absent
        case path(Entry)
    }

    let names: [[UInt8]]
    let entries: [Entry]
    /// Rows whose payload is not in the index.
    let wideRows: [UInt32]
    /// Whether the segment has no more paths than are indexed.
    let isComplete: Bool
    private let positions: [[UInt8]: Int]

    /// - Returns: nil when the bytes are no such index.
    init?(_ directory: UnsafeRawBufferPointer, dataBytes: Int, wideRows: [UInt32], rowCount: Int) {
        guard let kind = directory.first, kind <= PathIndexWriter.overflowed else { return nil }
        isComplete = kind == PathIndexWriter.complete
        self.wideRows = wideRows
        var position = 1
        var names: [[UInt8]] = []
        var parts: [(flags: UInt8, present: Int, values: Int, entries: Int, start: Int)] = []
        func number(_ bound: Int) -> Int? {
            Varint.read(directory, at: &position).flatMap { $0 <= UInt64(bound) ? Int($0) : nil }
        }
        while position < directory.count {
            guard names.count < PathLimits.paths, let length = number(directory.count - position) else { return nil }
            guard length < directory.count - position else { return nil }
            names.append(Array(directory[position..<position + length]))
            let flags = directory[position + length]
            position += length + 1
            guard let present = number(rowCount), let values = number(PathLimits.values),
                let entries = number(Int(UInt32.max)), let start = number(dataBytes), start % 8 == 0,
                start >= parts.last?.start ?? 0, present > 0
            else { return nil }
            parts.append((flags, present, values, entries, start))
        }
        guard isComplete || names.isEmpty else { return nil }
        entries = parts.indices.map { place in
            let part = parts[place]
            return Entry(
                number: place, present: part.present, keepsValues: part.flags & PathIndexWriter.hasValues != 0,
                hasStarts: part.flags & PathIndexWriter.hasStarts != 0, valueCount: part.values,
                entryCount: part.entries,
                data: part.start..<(place + 1 < parts.count ? parts[place + 1].start : dataBytes))
        }
        self.names = names
        positions = Dictionary(names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }

    func entry(named name: [UInt8]) -> Entry? { positions[name].map { entries[$0] } }

    /// Finds the path that a query means. Where several readings of its dots exist in the segment, which of them counts is
    /// decided payload by payload.
    func answer(_ lookup: PayloadLookup) -> Answer {
        guard isComplete else { return .unknown }
        var found: [Int] = []
        collect(lookup, 0, [], &found)
        guard let first = found.first else { return .absent }
        return found.count == 1 ? .path(entries[first]) : .unknown
    }

    private func collect(_ lookup: PayloadLookup, _ segment: Int, _ name: [UInt8], _ found: inout [Int]) {
        guard segment < lookup.keys.count else {
            if let position = positions[name] { found.append(position) }
            return
        }
        guard segment == 0 || positions[name] != nil else { return }
        for (length, key) in lookup.keys[segment].enumerated() {
            var longer = name
            Varint.append(UInt64(key.count), to: &longer)
            longer += key
            collect(lookup, segment + length + 1, longer, &found)
        }
    }

    /// The keys of a name.
    static func keys(of name: [UInt8]) -> [String] {
        name.withUnsafeBytes { bytes in
            var position = 0
            var keys: [String] = []
            while let length = Varint.read(bytes, at: &position), length <= UInt64(bytes.count - position) {
                keys.append(bytes.slice(position..<position + Int(length)).text)
                position += Int(length)
            }
            return keys
        }
    }
}
