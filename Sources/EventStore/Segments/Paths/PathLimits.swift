/// What keeps the index of payload paths small, whatever is sent. Where a limit applies, the index says so and queries
/// read the records: answers stay exact. Each holds for a set of records and then for every larger one, so that merging
/// gives what building gives; they are part of the format. docs/format/segment.md §11.
enum PathLimits {
    /// Values and objects of one payload. A payload with more is a *wide row*: it is not indexed, and every query about
    /// paths looks at it. Real events stay well below; ten thousand keys in one event do not.
    static let entriesOfRow = 1_024
    /// Paths of one segment: senders that make keys of their data would make a column of each. With more the segment has no
    /// index of paths.
    static let paths = 4_096
    /// Distinct values of one path, their bytes together, and bytes of one. Beyond, rows that have the path are kept, their
    /// values not.
    static let values = 16_384
    static let valueBytes = 1 << 19
    static let longestValue = 256
}
