import Crypto
import DurableFiles
import Ledger
import SystemPackage

/// The deliveries that wait at a relay, on disk, in the order in which they came. Belongs to one thread.
///
///     SPOOL/id                       16 random bytes in hexadecimal: a spool that was replaced bears another
///     SPOOL/taken                    up to which delivery the server has them, and that delivery's mark
///     SPOOL/<number>.deliveries      sealed deliveries one behind the other, from that number on
///
/// What ``append(_:)`` returned for is there after power loss; what it did not return for is there whole or not at all.
final class SpoolLog {
    private static let suffix = ".deliveries"

    /// One delivery on its way into the spool.
    struct Item: Sendable {
        /// What it is counted under: see ``RelayLimits/shareOfOne``.
        let name: String
        let sealed: [UInt8]
    }

    private struct Place {
        let number: UInt64
        let offset: UInt64
        let length: Int
        let name: UInt64
    }

    private struct Segment {
        let path: FilePath
        var places: [Place] = []
        var bytes: UInt64 = 0
    }

    private let directory: FilePath
    private let fileSystem: any FileSystem
    private let limits: RelayLimits
    private var segments: [Segment] = []
    private var file: (any File)?
    private(set) var id: [UInt8]
    /// The number of the next delivery; the first is 1.
    private(set) var next: UInt64 = 1
    /// Up to which number the server has them.
    private(set) var taken: UInt64 = 0
    private var takenMark: [UInt8] = []
    /// Bytes of the files.
    private(set) var bytes: UInt64 = 0
    private(set) var waiting = 0
    private var bytesOfNames: [UInt64: UInt64] = [:]
    /// Bytes at the end of files that are no delivery: a write that power loss cut short, which nobody was told was kept.
    private(set) var tornBytes: UInt64 = 0

    /// Opens the spool of a directory, made when missing.
    ///
    /// - Throws: What the disk throws; ``RelayError`` `malformed` for files that are none of a spool.
    init(directory: FilePath, fileSystem: any FileSystem, limits: RelayLimits = RelayLimits()) throws {
        self.directory = directory
        self.fileSystem = fileSystem
        self.limits = limits
        try fileSystem.createDirectory(directory)
        id = try Self.id(in: directory, fileSystem)
        let path = directory.appending("taken")
        if try fileSystem.exists(path) {
            let parts = String(decoding: try fileSystem.contents(of: path), as: UTF8.self).split(separator: " ")
            guard parts.count == 2, let number = UInt64(parts[0]), let mark = LowercaseHex.decode(String(parts[1]))
            else {
                throw RelayError.malformed("\(path) is not what a relay wrote")
            }
            (taken, takenMark) = (number, mark)
        }
        next = taken + 1
        for name in try fileSystem.list(directory) where name.hasSuffix(Self.suffix) {
            try read(directory.appending(name))
        }
        forgetTaken()
    }

    private static func id(in directory: FilePath, _ fileSystem: any FileSystem) throws -> [UInt8] {
        let path = directory.appending("id")
        if try fileSystem.exists(path) {
            let text = String(decoding: try fileSystem.contents(of: path), as: UTF8.self)
            guard let bytes = LowercaseHex.decode(text), bytes.count == 16 else {
                throw RelayError.malformed("\(path) is not what a relay wrote")
            }
            return bytes
        }
        return try newID(path, fileSystem)
    }

    private static func newID(_ path: FilePath, _ fileSystem: any FileSystem) throws -> [UInt8] {
        var random = SystemRandomNumberGenerator()
        let bytes = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        try fileSystem.writeAtomically(Array(LowercaseHex.encode(bytes).utf8), to: path)
        return bytes
    }

    // MARK: Reading

    /// Takes over what a file holds. A delivery whose bytes changed is passed over, which leaves a hole in the numbers.
    private func read(_ path: FilePath) throws {
        let file = try fileSystem.open(path, .read)
        let size = try file.size()
        var segment = Segment(path: path)
        var offset: UInt64 = 0
        while offset + UInt64(SpoolFrame.headBytes) <= size {
            let head = SpoolFrame(try file.read(at: offset, count: SpoolFrame.headBytes))
            guard head.length > 0, head.length <= limits.deliveryBytes * 2, offset + head.bytes <= size else { break }
            let sealed = try file.read(at: offset + UInt64(SpoolFrame.headBytes), count: head.length)
            if head.isWhole(with: sealed), head.number >= next || head.number <= taken {
                segment.places.append(
                    Place(number: head.number, offset: offset, length: head.length, name: head.name))
                next = max(next, head.number + 1)
                segment.bytes = offset + head.bytes
            }
            offset += head.bytes
        }
        tornBytes += size - segment.bytes
        guard !segment.places.isEmpty else {
            // Nothing that anybody was told was kept. Its name may be wanted again.
            try fileSystem.rename(path, to: FilePath(path.string + ".torn"))
            return
        }
        for place in segment.places where place.number > taken { count(place, 1) }
        bytes += segment.bytes
        segments.append(segment)
    }

    private func count(_ place: Place, _ sign: Int) {
        waiting += sign
        let size = UInt64(SpoolFrame.headBytes + place.length)
        let known = bytesOfNames[place.name] ?? 0
        bytesOfNames[place.name] = sign > 0 ? known + size : known - min(known, size)
    }

    /// The oldest deliveries behind a number, as many as fit in so many bytes, and always one.
    ///
    /// - Returns: Also whether there are more.
    func deliveries(
        after number: UInt64, bytes limit: Int
    ) throws -> (found: [(number: UInt64, sealed: [UInt8])], hasMore: Bool) {
        var found: [(number: UInt64, sealed: [UInt8])] = []
        var left = limit
        for segment in segments where (segment.places.last?.number ?? 0) > number {
            let file = try fileSystem.open(segment.path, .read)
            for place in segment.places where place.number > number {
                guard found.isEmpty || place.length <= left else { return (found, true) }
                left -= place.length
                let head = SpoolFrame(try file.read(at: place.offset, count: SpoolFrame.headBytes))
                let sealed = try file.read(at: place.offset + UInt64(SpoolFrame.headBytes), count: place.length)
                guard head.isWhole(with: sealed) else { continue }
                found.append((place.number, sealed))
            }
        }
        return (found, false)
    }

    /// What a delivery is known by beside its number: of a spool that was put back to an earlier state, other deliveries bear the
    /// same numbers.
    static func mark(_ sealed: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: sealed).prefix(8)) }

    // MARK: Writing

    /// Makes deliveries durable, with one synchronisation for all.
    ///
    /// - Returns: Of each, nil when it is kept, else why not: the others are kept nevertheless.
    /// - Throws: When the disk can no longer be trusted. The process must end.
    func append(_ items: [Item]) throws -> [RelayError?] {
        var results: [RelayError?] = []
        var isWritten = false
        let free = try fileSystem.freeBytes(at: directory)
        var spent: UInt64 = 0
        for item in items {
            do {
                try check(item, free: free, spent)
                try write(item)
                spent += UInt64(SpoolFrame.headBytes + item.sealed.count)
                isWritten = true
                results.append(nil)
            } catch let error as RelayError {
                if case .failed = error { throw error }
                results.append(error)
            }
        }
        if isWritten, let file {
            do {
                try file.synchronizeData()
            } catch {
                throw RelayError.failed("the spool could not be synchronised: \(error)")
            }
        }
        return results
    }

    private func check(_ item: Item, free: UInt64, _ spent: UInt64) throws {
        let size = UInt64(SpoolFrame.headBytes + item.sealed.count)
        guard bytes + size <= UInt64(limits.spoolBytes), waiting < limits.deliveries else {
            throw RelayError.full("the spool is full until the server has drained it")
        }
        guard free >= limits.reservedDiskBytes + spent + size else { throw RelayError.full("the disk is full") }
        let own = (bytesOfNames[Self.key(item.name)] ?? 0) + size
        guard Double(own) <= Double(limits.spoolBytes) * limits.shareOfOne else {
            throw RelayError.full("the share of this name in the spool is full until the server has drained it")
        }
    }

    private func write(_ item: Item) throws {
        let file = try current()
        let place = Place(
            number: next, offset: segments[segments.count - 1].bytes, length: item.sealed.count,
            name: Self.key(item.name))
        let head = SpoolFrame.head(number: place.number, name: place.name, item.sealed)
        do {
            try file.write(head + item.sealed, at: place.offset)
        } catch {
            // What was written of it must not be read as a delivery after the number has gone to another.
            do {
                try file.truncate(to: place.offset)
            } catch {
                throw RelayError.failed("the spool could not be cut back: \(error)")
            }
            throw RelayError.full("the disk did not take the delivery: \(error)")
        }
        segments[segments.count - 1].places.append(place)
        segments[segments.count - 1].bytes += UInt64(head.count + item.sealed.count)
        bytes += UInt64(head.count + item.sealed.count)
        next += 1
        count(place, 1)
    }

    /// The file that is written to; another one when the last is large or was left by an earlier process.
    private func current() throws -> any File {
        if let file, let segment = segments.last, segment.bytes < UInt64(limits.fileBytes) { return file }
        let digits = String(next)
        let name = String(repeating: "0", count: 20 - digits.utf8.count) + digits + Self.suffix
        let path = directory.appending(name)
        let made: any File
        do {
            if let file { try file.synchronizeData() }
            made = try fileSystem.open(path, .createNew(.privateFile))
            try fileSystem.synchronizeDirectory(directory)
        } catch let error as DurableFilesError where error.code == .diskFull {
            throw RelayError.full("the disk is full")
        } catch {
            throw RelayError.failed("the spool cannot be written: \(error)")
        }
        segments.append(Segment(path: path))
        file = made
        return made
    }

    private static func key(_ name: String) -> UInt64 {
        RelayFrames.number(Array(SHA256.hash(data: Array(name.utf8)).prefix(8))[...])
    }

    // MARK: Taking

    /// Notes up to which delivery the server has them, and lets those go.
    ///
    /// - Parameters:
    ///   - number: 0 when it has none.
    ///   - mark: Of the delivery of that number.
    /// - Returns: False when the server speaks of another spool than this: it is then given a new id, and nothing goes.
    /// - Throws: When the disk fails.
    func take(through number: UInt64, mark: [UInt8], of spool: [UInt8]) throws -> Bool {
        guard spool == id, number < next else { return try renew() }
        if number == 0 { return true }
        if number > taken {
            guard let known = try self.mark(of: number), known == mark else { return try renew() }
        } else if number == taken, !takenMark.isEmpty, takenMark != mark {
            return try renew()
        }
        guard number > taken else { return true }
        for place in segments.flatMap(\.places) where place.number > taken && place.number <= number {
            count(place, -1)
        }
        (taken, takenMark) = (number, mark)
        let isDone = segments.contains { ($0.places.last?.number ?? .max) <= taken }
        if isDone {
            // Before the files go: with them the numbers that were given would be forgotten.
            try fileSystem.writeAtomically(
                Array("\(taken) \(LowercaseHex.encode(takenMark))".utf8), to: directory.appending("taken"))
            forgetTaken()
        }
        return true
    }

    private func mark(of number: UInt64) throws -> [UInt8]? {
        guard let delivery = try deliveries(after: number - 1, bytes: 0).found.first, delivery.number == number else {
            return nil
        }
        return Self.mark(delivery.sealed)
    }

    private func renew() throws -> Bool {
        id = try Self.newID(directory.appending("id"), fileSystem)
        return false
    }

    /// Removes files of which the server has everything. One that cannot be removed goes with a later one.
    private func forgetTaken() {
        segments = segments.filter { segment in
            guard let last = segment.places.last?.number, last <= taken, (try? fileSystem.remove(segment.path)) != nil
            else {
                return true
            }
            bytes -= min(bytes, segment.bytes)
            if segment.path == file?.path { file = nil }
            return false
        }
    }
}
