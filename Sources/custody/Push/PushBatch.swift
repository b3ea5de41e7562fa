import Connectors
import EventModel

/// What goes to the server in one request.
struct PushBatch: Hashable, Sendable {
    /// How the entries lie in the body.
    enum Form: String, Sendable {
        case lines = "ndjson"
        case document = "json"

        var contentType: String { self == .lines ? "application/x-ndjson" : "application/json" }
    }

    /// Where the entries of a batch come from, for messages about single ones.
    struct Origin: Hashable, Sendable {
        /// The file's name; `-` is standard input.
        let file: String
        /// What the numbers count: lines, or entries of an array.
        let unit: String
        /// The number of each entry in the file.
        let numbers: [Int]
        /// A regular file is still there after a push that failed; what came through a pipe is nowhere else.
        var canBeReadAgain = true
    }

    let body: [UInt8]
    let form: Form
    /// The entries that were counted; a line that is a batch itself counts once.
    let entries: Int
    /// When it was read: the order of the spool.
    let read: Timestamp
    /// The idempotency key: the same for every attempt at this batch, also from the spool.
    let key: String
    let origin: Origin?

    /// Where an entry that the server refused is. The server counts events, so its position is ours only while no entry was
    /// itself a batch of events.
    func place(of position: Int, answeredEntries: Int) -> String {
        guard let origin else { return "entry \(position) of a spooled batch" }
        guard answeredEntries == entries, origin.numbers.indices.contains(position) else {
            return "\(origin.file): entry \(position) behind \(origin.unit) \((origin.numbers.first ?? 1) - 1)"
        }
        return "\(origin.file): \(origin.unit) \(origin.numbers[position])"
    }

    /// The batch as two of half as many entries, for a server (or a proxy before it) that finds it too large; nil when it
    /// holds one entry.
    ///
    /// The keys follow from the batch's own, so that sending the halves again, also from the spool, doubles nothing.
    func halves() -> (PushBatch, PushBatch)? {
        let parts = body.withUnsafeBytes { bytes in
            var ranges: [Range<Int>] = []
            if form == .lines {
                ranges = bytes.split(separator: UInt8(ascii: "\n")).map { $0.startIndex..<$0.endIndex }
            } else {
                BodySplitter(bytes).forEachPart { ranges.append($0.range) }
            }
            return ranges
        }
        guard parts.count > 1 else { return nil }
        let middle = parts.count / 2
        let numbers = origin.flatMap { $0.numbers.count == parts.count ? $0.numbers : nil }
        func half(_ range: Range<Int>, _ mark: String) -> PushBatch {
            var half: [UInt8] = form == .lines ? [] : [UInt8(ascii: "[")]
            for (place, part) in parts[range].enumerated() {
                if form == .document, place > 0 { half.append(UInt8(ascii: ",")) }
                half += body[part]
                if form == .lines { half.append(UInt8(ascii: "\n")) }
            }
            if form == .document { half.append(UInt8(ascii: "]")) }
            let origin = origin.map {
                Origin(
                    file: $0.file, unit: $0.unit, numbers: numbers.map { Array($0[range]) } ?? $0.numbers,
                    canBeReadAgain: $0.canBeReadAgain)
            }
            return PushBatch(
                body: half, form: form, entries: range.count, read: read, key: key + mark, origin: origin)
        }
        return (half(0..<middle, "a"), half(middle..<parts.count, "b"))
    }
}
