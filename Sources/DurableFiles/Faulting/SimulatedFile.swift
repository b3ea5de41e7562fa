/// The bytes of one simulated file: what programs see (the page cache) and what power loss leaves (the disk).
struct SimulatedFile: Sendable {
    static let pageBytes = 4096
    /// What a disk writes as a whole; power loss tears between sectors.
    static let sectorBytes = 512

    private(set) var cached: [UInt8] = []
    private(set) var stored: [UInt8] = []
    /// Pages of the cache that a synchronisation would write.
    private var dirtyPages: Set<Int> = []

    mutating func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        guard !bytes.isEmpty else { return }
        let end = offset + bytes.count
        if end > cached.count { Self.extend(&cached, to: end) }
        cached.withUnsafeMutableBytes {
            UnsafeMutableRawBufferPointer(rebasing: $0[offset..<end]).copyMemory(from: bytes)
        }
        dirtyPages.formUnion(offset / Self.pageBytes...(end - 1) / Self.pageBytes)
    }

    mutating func write(_ bytes: [UInt8], at offset: Int) {
        bytes.withUnsafeBytes { write($0, at: offset) }
    }

    mutating func truncate(to size: Int) {
        if size < cached.count {
            cached.removeLast(cached.count - size)
        } else {
            Self.extend(&cached, to: size)
        }
        dirtyPages = dirtyPages.filter { $0 * Self.pageBytes < size }
    }

    mutating func synchronize() {
        resizeStored(to: cached.count)
        for page in dirtyPages { copyToDisk(page * Self.pageBytes..<(page + 1) * Self.pageBytes) }
        dirtyPages = []
    }

    /// The pages were marked clean before the disk refused them: a later synchronisation will not write them.
    mutating func failSynchronizing() {
        dirtyPages = []
    }

    /// What is left after power loss: by choice of the generator only what was synchronised, everything, a prefix, or
    /// any sectors with zeros between them.
    mutating func losePower(_ generator: inout SeededGenerator) {
        defer {
            cached = stored
            dirtyPages = []
        }
        let size = cached.count
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: return
        case 1: synchronize()
        case 2:
            let kept = Int.random(in: min(size, stored.count)...max(size, stored.count), using: &generator)
            if kept > stored.count || size < stored.count { resizeStored(to: kept) }
            for page in dirtyPages { copyToDisk(page * Self.pageBytes..<(page + 1) * Self.pageBytes) }
        default:
            resizeStored(to: size)
            for page in dirtyPages.sorted() {
                for sector in stride(from: page * Self.pageBytes, to: (page + 1) * Self.pageBytes, by: Self.sectorBytes)
                where Bool.random(using: &generator) {
                    copyToDisk(sector..<sector + Self.sectorBytes)
                }
            }
        }
    }

    /// As one copy: element by element, unoptimised tests spent most of their time here.
    private static func extend(_ bytes: inout [UInt8], to size: Int) {
        bytes.append(contentsOf: [UInt8](repeating: 0, count: size - bytes.count))
    }

    private mutating func resizeStored(to size: Int) {
        if size < stored.count {
            stored.removeLast(stored.count - size)
        } else {
            Self.extend(&stored, to: size)
        }
    }

    private mutating func copyToDisk(_ range: Range<Int>) {
        let end = min(range.upperBound, stored.count, cached.count)
        guard range.lowerBound < end else { return }
        stored.replaceSubrange(range.lowerBound..<end, with: cached[range.lowerBound..<end])
    }
}
