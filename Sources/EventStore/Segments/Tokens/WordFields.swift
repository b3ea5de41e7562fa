import EventModel

/// Which columns hold a word, in one byte: the number of the only field, or that there is none, or that there are several.
/// docs/format/segment.md §10.
///
/// So a search for a part of words looks at no column that has none of them: most words stand in payloads alone, or in one field.
enum WordFields {
    static let none: UInt8 = 0
    static let several: UInt8 = 255

    /// Whether a byte names a column, none or several.
    static func isSound(_ fields: UInt8) -> Bool {
        fields == none || fields == several || Field(rawValue: fields)?.isColumnar == true
    }

    /// Adds the columns of one byte to those of another.
    @inline(__always)
    static func add(_ other: UInt8, to fields: inout UInt8) {
        if fields == none { fields = other } else if other != none, other != fields { fields = several }
    }
}
