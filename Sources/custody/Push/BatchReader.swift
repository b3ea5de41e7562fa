import Connectors
import CustodyServer
import EventModel
import Foundation
import Intake

/// Reads one input, a file or a pipe, and cuts it into batches on the boundaries of entries.
///
/// NDJSON and text are read as they come and need memory for one batch. A file that is one JSON document or one array is
/// read whole.
struct BatchReader {
    /// What the contract calls a batch: enough to make the server's group commit cheap, little enough to be retried.
    static let maximumEntries = 1_000
    static let maximumBytes = 4 << 20
    /// An array or document is held in memory; a larger one is better sent as NDJSON.
    static let maximumDocumentBytes = 1 << 30
    /// How long a pipe may be silent before what has come so far is sent.
    static let idleMilliseconds: Int32 = 200

    private enum Form { case undecided, lines, elements }

    private let descriptor: Int32
    private let file: String
    /// Whether the input is a regular file, which a failed push leaves where it was.
    let canBeReadAgain: Bool
    private let newKey: @Sendable () -> String
    private let now: @Sendable () -> Timestamp
    private let isInterrupted: @Sendable () -> Bool
    private var buffer: [UInt8] = []
    /// Where the part of the buffer begins that was not handed out.
    private var start = 0
    private var isAtEnd = false
    private var form = Form.undecided
    private var number = 0
    private var elements: ArraySlice<Range<Int>> = []

    /// - Parameter isInterrupted: Asked while waiting; true ends the input after what has been read.
    init(
        descriptor: Int32, file: String, newKey: @escaping @Sendable () -> String,
        now: @escaping @Sendable () -> Timestamp,
        isInterrupted: @escaping @Sendable () -> Bool = { false }
    ) {
        self.descriptor = descriptor
        self.file = file
        var status = stat()
        canBeReadAgain = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        self.newKey = newKey
        self.now = now
        self.isInterrupted = isInterrupted
    }

    /// The next batch; nil at the end. Blocks until there is one.
    ///
    /// - Throws: ``CommandFailure`` `refused` when the input cannot be read.
    mutating func next() throws -> PushBatch? {
        if form == .undecided { try decide() }
        return form == .elements ? nextElements() : try nextLines()
    }

    // MARK: Form

    /// Looks at the first line: a whole document in it means NDJSON; a document that goes on in the next line, and an array,
    /// are read whole; anything else is lines, which the server judges one by one.
    private mutating func decide() throws {
        while firstLineEnd == nil, !isAtEnd, buffer.count < Self.maximumBytes { try fill() }
        if CapturedMessages.begins(buffer) { try unpackCapture() }
        if buffer.starts(with: [0xEF, 0xBB, 0xBF]) { start = 3 }
        let line = buffer[start..<(firstLineEnd ?? buffer.count)].drop { $0 <= 0x20 }
        form = .lines
        guard let first = line.first, first == UInt8(ascii: "[") || first == UInt8(ascii: "{") else { return }
        let lineForm = line.withUnsafeBytes { BodySplitter($0).form }
        guard lineForm == .array || lineForm == .concatenated else { return }
        try readWhole("one document of more than \(Self.maximumDocumentBytes >> 20) MiB; send NDJSON")
        let parts = buffer.withUnsafeBytes { bytes in
            let splitter = BodySplitter(bytes)
            guard splitter.form == .array || splitter.form == .concatenated else { return [Range<Int>]?.none }
            var ranges: [Range<Int>] = []
            splitter.forEachPart { ranges.append($0.range) }
            return ranges
        }
        guard let parts else { return }
        form = .elements
        elements = parts[...]
    }

    private mutating func readWhole(_ refusal: String) throws {
        while !isAtEnd {
            guard buffer.count <= Self.maximumDocumentBytes else {
                throw CommandFailure(.refused, "\(file): \(refusal)")
            }
            try fill()
        }
    }

    /// Goes on with the messages in a file of Azure Event Hubs' Capture as if they were the file.
    private mutating func unpackCapture() throws {
        try readWhole("an Avro file of more than \(Self.maximumDocumentBytes >> 20) MiB")
        let decoding = ContentDecoding(limit: Self.maximumDocumentBytes)
        do {
            buffer = try buffer.withUnsafeBytes {
                try CapturedMessages($0, maximumBytes: Self.maximumDocumentBytes) { try decoding.inflated(raw: $0) }
            }.body
        } catch let error as IntakeError {
            throw CommandFailure(.refused, "\(file): \(error.reason)")
        } catch {
            throw CommandFailure(.refused, "\(file): the Avro data is damaged, or unpacks to too much")
        }
    }

    /// The end of the first line that is not blank.
    private var firstLineEnd: Int? {
        guard let content = buffer.firstIndex(where: { $0 > 0x20 }) else { return nil }
        return buffer[content...].firstIndex(of: UInt8(ascii: "\n"))
    }

    // MARK: Elements

    private mutating func nextElements() -> PushBatch? {
        guard let first = elements.first else { return nil }
        let isWhole = elements.startIndex == 0
        let whole = start..<buffer.count
        if isWhole, elements.count == 1 || (elements.count <= Self.maximumEntries && whole.count <= Self.maximumBytes) {
            defer { elements = [] }
            return batch(Array(buffer[whole]), .document, "entry", Array(1...elements.count))
        }
        var body = [UInt8(ascii: "[")] + buffer[first]
        let firstNumber = elements.startIndex + 1
        elements = elements.dropFirst()
        while let next = elements.first, elements.startIndex - firstNumber + 1 < Self.maximumEntries,
            body.count + next.count + 2 <= Self.maximumBytes
        {
            body.append(UInt8(ascii: ","))
            body += buffer[next]
            elements = elements.dropFirst()
        }
        body.append(UInt8(ascii: "]"))
        return batch(body, .document, "entry", Array(firstNumber...elements.startIndex))
    }

    // MARK: Lines

    private mutating func nextLines() throws -> PushBatch? {
        var body: [UInt8] = []
        var numbers: [Int] = []
        while numbers.count < Self.maximumEntries {
            guard let line = try nextLine(mayWait: numbers.isEmpty) else { break }
            guard body.isEmpty || body.count + line.count < Self.maximumBytes else { break }
            start = line.upperBound
            number += 1
            guard buffer[line].contains(where: { $0 > 0x20 }) else { continue }
            body += buffer[line]
            if body.last != UInt8(ascii: "\n") { body.append(UInt8(ascii: "\n")) }
            numbers.append(number)
        }
        guard !numbers.isEmpty else { return nil }
        return batch(body, .lines, "line", numbers)
    }

    /// The next line with its end, still in the buffer; nil when there is none, or none yet and the batch had better go.
    private mutating func nextLine(mayWait: Bool) throws -> Range<Int>? {
        var searched = start
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) { return start..<end + 1 }
            if isAtEnd { return start < buffer.count ? start..<buffer.count : nil }
            searched = buffer.count
            guard mayWait || hasInput(within: Self.idleMilliseconds) else { return nil }
            let consumed = start
            try fill()
            // Filling moves what is left to the beginning.
            searched -= consumed - start
        }
    }

    private func batch(_ body: [UInt8], _ form: PushBatch.Form, _ unit: String, _ numbers: [Int]) -> PushBatch {
        PushBatch(
            body: body, form: form, entries: numbers.count, read: now(), key: newKey(),
            origin: PushBatch.Origin(file: file, unit: unit, numbers: numbers, canBeReadAgain: canBeReadAgain))
    }

    // MARK: Input

    /// Reads more into the buffer, waiting for it.
    private mutating func fill() throws {
        if start > 1 << 20 || (start > 0 && start == buffer.count) {
            buffer.removeFirst(start)
            start = 0
        }
        while !hasInput(within: Self.idleMilliseconds) {
            guard !isInterrupted() else {
                isAtEnd = true
                return
            }
        }
        let chunk = 256 << 10
        var count = 0
        let piece = [UInt8](unsafeUninitializedCapacity: chunk) { bytes, initialized in
            repeat { count = Foundation.read(descriptor, bytes.baseAddress, chunk) } while count < 0 && errno == EINTR
            initialized = max(count, 0)
        }
        guard count >= 0 else { throw CommandFailure(.refused, "\(file): \(String(cString: strerror(errno)))") }
        if count == 0 { isAtEnd = true }
        buffer += piece
    }

    /// Whether a read would return at once. Files always have input.
    private func hasInput(within milliseconds: Int32) -> Bool {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return Foundation.poll(&poll, 1, milliseconds) != 0
    }
}
