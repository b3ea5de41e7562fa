import EventModel

/// A stretch of packed text that stands for itself, between marks (``TextMark``).
struct PackedRun {
    let text: UnsafeRawBufferPointer
    fileprivate let stored: UnsafeRawBufferPointer
    /// Where the marks are directly before and behind it that stand for other text; -1 for none.
    fileprivate let markBefore: Int
    fileprivate let markAfter: Int

    var followsMark: Bool { markBefore >= 0 }
    var precedesMark: Bool { markAfter >= 0 }
    var before: PackedMark? { mark(at: markBefore) }
    var after: PackedMark? { mark(at: markAfter) }

    /// All that belongs to the mark is there.
    private func mark(at position: Int) -> PackedMark? {
        guard position >= 0 else { return nil }
        switch stored[position] {
        case TextMark.value: return PackedMark(field: stored[position + 1], element: 0)
        case TextMark.element:
            return PackedMark(field: stored[position + 1], element: Int(stored[position + 2]))
        default: return PackedMark(field: nil, element: 0)
        }
    }
}

/// A mark that stands for other text.
struct PackedMark: BitwiseCopyable {
    /// The field whose value is meant; nil for a time, a UUID or hexadecimal digits.
    let field: UInt8?
    let element: Int
}

/// Walks the literal stretches of a record's packed payload without expanding it.
///
/// Cost: linear in what is stored, eight bytes at a time.
enum PackedRuns {
    /// Calls `body` with each stretch beside a mark, empty ones between two marks too, until it returns true.
    ///
    /// What is stored whole (``RecordForm``) has no marks, and no stretches here.
    ///
    /// - Parameter stored: What is stored of a record, packed.
    /// - Returns: Whether `body` returned true, or nothing can be said because the text is not what a ``TextPacker`` writes.
    @inline(__always)
    static func contains(
        _ stored: UnsafeRawBufferPointer, _ body: (PackedRun) throws -> Bool
    ) rethrows -> Bool {
        guard let flags = stored.first else { return true }
        guard flags & RecordForm.isPacked != 0 else { return false }
        guard var position = payloadStart(stored, flags) else { return true }
        var markBefore = -1
        while true {
            let start = position
            let end = start + TextMark.literalCount(in: stored, from: start, atMost: stored.count)
            var markAfter = -1
            if end < stored.count {
                position = end + 1
                guard skip(stored[end], stored, &position) else { return true }
                if stored[end] != TextMark.escape { markAfter = end }
            }
            if markBefore >= 0 || markAfter >= 0 {
                let run = PackedRun(
                    text: stored.slice(start..<end), stored: stored, markBefore: markBefore, markAfter: markAfter)
                if try body(run) { return true }
            }
            guard end < stored.count else { return false }
            markBefore = markAfter
        }
    }

    /// Moves behind what belongs to a mark; false when the text ends before.
    @inline(__always)
    private static func skip(_ mark: UInt8, _ stored: UnsafeRawBufferPointer, _ position: inout Int) -> Bool {
        switch mark {
        case TextMark.uuid: break
        case TextMark.element: position += 2
        case TextMark.time:
            guard position < stored.count else { return false }
            position += 1
            guard stored[position - 1] & TimeText.differs == 0 || Varint.read(stored, at: &position) != nil else {
                return false
            }
        default: position += 1
        }
        return position <= stored.count
    }

    /// Where the payload begins, behind the entries; nil when they are malformed.
    @inline(__always)
    private static func payloadStart(_ stored: UnsafeRawBufferPointer, _ flags: UInt8) -> Int? {
        var position = flags & RecordForm.hasKind == 0 ? 1 : 2
        while position < stored.count {
            position += 1
            if stored[position - 1] == RecordForm.end { return position }
            guard Varint.read(stored, at: &position) != nil, let length = Varint.read(stored, at: &position),
                skipValue(of: length, stored, &position)
            else { return nil }
        }
        return nil
    }

    /// Moves behind a value of so many bytes when it is expanded. Marks of values and times are not in entries.
    @inline(__always)
    private static func skipValue(of length: UInt64, _ stored: UnsafeRawBufferPointer, _ position: inout Int) -> Bool {
        guard var rest = Int(exactly: length) else { return false }
        while rest > 0 {
            let count = TextMark.literalCount(in: stored, from: position, atMost: rest)
            position += count
            rest -= count
            guard rest > 0 else { break }
            guard position + 1 < stored.count else { return false }
            let mark = stored[position]
            position += 1
            switch mark {
            case TextMark.escape:
                position += 1
                rest -= 1
            case TextMark.uuid: rest -= TextMark.uuidCharacters
            case TextMark.digits:
                rest -= Int(stored[position] & ~TextMark.upperCase) * 2
                position += 1
            default: return false
            }
        }
        return rest == 0
    }
}
