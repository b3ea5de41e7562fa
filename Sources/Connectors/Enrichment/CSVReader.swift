/// Reads CSV as RFC 4180 has it: commas, quotes that may hold commas and line breaks, doubled quotes; LF and CRLF.
struct CSVReader {
    struct Record {
        /// Where it begins, from 1.
        let line: Int
        let cells: [String]
    }

    struct Failure: Error {
        let line: Int
        let reason: String
    }

    private let bytes: [UInt8]
    private var position = 0
    private var line = 1

    /// - Parameter text: UTF-8; a byte order mark is passed over.
    init(_ text: String) {
        var bytes = Array(text.utf8)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        self.bytes = bytes
    }

    /// The next record; nil at the end. Lines without anything are passed over.
    /// - Throws: ``Failure``.
    mutating func next() throws -> Record? {
        while position < bytes.count {
            let start = line
            let cells = try record()
            if cells != [""] { return Record(line: start, cells: cells) }
        }
        return nil
    }

    private mutating func record() throws -> [String] {
        var cells: [String] = []
        while true {
            cells.append(try cell())
            guard position < bytes.count else { return cells }
            let byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: ",") { continue }
            // `cell` ends at a comma, a line's end or the end.
            if byte == UInt8(ascii: "\r"), position < bytes.count, bytes[position] == UInt8(ascii: "\n") {
                position += 1
            }
            line += 1
            return cells
        }
    }

    private mutating func cell() throws -> String {
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
            let start = position
            while position < bytes.count, !Self.ends(bytes[position]) {
                guard bytes[position] != UInt8(ascii: "\"") else {
                    throw Failure(line: line, reason: "a quote inside a cell that does not begin with one")
                }
                position += 1
            }
            return Self.trimmed(bytes[start..<position])
        }
        let opened = line
        var text: [UInt8] = []
        position += 1
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: "\"") {
                guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
                    guard position == bytes.count || Self.ends(bytes[position]) else {
                        throw Failure(line: line, reason: "something stands behind a closing quote")
                    }
                    return String(decoding: text, as: UTF8.self)
                }
                position += 1
            }
            if byte == UInt8(ascii: "\n") { line += 1 }
            text.append(byte)
        }
        throw Failure(line: opened, reason: "a quote is not closed")
    }

    private static func ends(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
    }

    /// Blanks around a cell without quotes are nobody's intention.
    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> String {
        var bytes = bytes
        while bytes.first == 0x20 || bytes.first == 0x09 { bytes.removeFirst() }
        while bytes.last == 0x20 || bytes.last == 0x09 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
