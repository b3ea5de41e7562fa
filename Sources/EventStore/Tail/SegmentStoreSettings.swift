/// The sizes that the store works with. The defaults are those of a server on two cores.
package struct SegmentStoreSettings: Sendable {
    /// Rows after which appended records become searchable at once: the most that one batch of intake brings.
    package var flushRows = 8_192
    /// Bytes of records after which they do, so that large payloads do not gather.
    package var flushBytes = 32 << 20
    /// Nanoseconds after which they do at the latest: what a person who waits for an event does not notice.
    package var flushAge: Int64 = 250_000_000
    /// Segments in memory of one size that are merged into one. Sixteen keeps a query under some fifty of them.
    package var memoryMergeFactor = 16
    /// Rows of a partition in memory that make a segment file: large enough to compress well, small enough for memory.
    package var sealRows = 65_536
    /// Bytes of records in memory that make one.
    package var sealBytes = 256 << 20
    /// Nanoseconds after the end of a day at which its last rows are sealed; late deliveries fit into it.
    package var sealDelayAfterDay: Int64 = 5 * 60 * 1_000_000_000
    /// Leaves that may follow a row in memory before it is sealed: it holds back the journal's recycling.
    package var sealSpan: UInt64 = 524_288
    /// Adjacent segment files of one partition that are merged into one.
    package var fileMergeFactor = 8
    /// Rows and record bytes that a merged segment does not exceed: they bound the time of one merge and the 32-bit
    /// offsets in a segment.
    package var mergedRows = 1 << 20
    package var mergedBytes: UInt64 = 3 << 30
    /// Rows, and bytes of records, of one file of what was read again: what building it holds in memory.
    package var overlayRows = 65_536
    package var overlayBytes = 64 << 20
    /// Nanoseconds between attempts after a segment could not be written.
    package var retryDelay: Int64 = 10_000_000_000
    /// 1 is the fastest level of zstd, and for blocks of events hardly larger than 3.
    package var compressionLevel: Int32 = 1
    /// Whether seals and file merges run on a thread of their own. Tests let them run in place.
    package var worksInBackground = true

    package init() {}
}
