import EventModel

/// How long the longest token is that the column of each field has, by the field's number: a byte, in which the largest number stands
/// for all that are as long or longer. docs/format/segment.md §10.
///
/// So a search for a long identifier looks at no column that has only shorter tokens. Its owner calls ``free()``.
struct TokenLengths {
    static let bytes = 256

    private let lengths: UnsafeMutablePointer<UInt8>

    init() {
        lengths = .allocate(capacity: Self.bytes)
        removeAll()
    }

    func free() { lengths.deallocate() }

    func removeAll() { lengths.update(repeating: 0, count: Self.bytes) }

    /// Notes a token of a value that the column of a field has.
    @inline(__always)
    func note(_ length: Int, of field: UInt8) {
        let length = UInt8(clamping: length)
        if lengths[Int(field)] < length { lengths[Int(field)] = length }
    }

    /// Notes all that a section of another segment tells.
    func note(_ section: UnsafeRawBufferPointer) {
        for (field, length) in section.prefix(Self.bytes).enumerated() { note(Int(length), of: UInt8(field)) }
    }

    func write(to composer: SegmentComposer) throws {
        try composer.section(.tokenLengths) {
            try composer.append(UnsafeRawBufferPointer(start: lengths, count: Self.bytes))
            return Self.bytes
        }
    }

    /// The numbers of the fields of which columns may have a token of a length.
    static func fields(_ section: UnsafeRawBufferPointer, withTokensOf length: Int) -> Set<UInt8> {
        let least = UInt8(clamping: length)
        return Set(section.indices.lazy.filter { section[$0] >= least }.map { UInt8($0) })
    }
}
