/// The journal's limits. They bound memory while a frame is written or recovered, and the damage that a wrong length
/// can do.
package enum JournalLimits {
    /// The largest record: the largest event that Custody takes (1 MiB) with its normalised fields and room to spare.
    package static let recordBytes = 2 << 20
    /// The largest page before compression: the largest request body that Custody takes (32 MiB) with the normalised
    /// fields of its events, which for the smallest events outweigh their payloads.
    package static let pageBytes = 128 << 20
    /// The most records in a page.
    package static let pageRecords = 65_536
    /// The most pages in a frame: more requests than one group commit ever collects.
    package static let framePages = 4_096
    /// The largest frame. It is built in memory, and read whole at recovery.
    package static let frameBytes = 64 << 20
    /// What the pages of a group may take together, each counted by ``JournalPage/frameBytes``: a frame without its
    /// header and digest.
    package static let groupBytes = frameBytes - FrameHeader.bytes - FrameHeader.digestBytes
}
