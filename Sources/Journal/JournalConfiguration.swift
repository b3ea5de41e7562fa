/// How a journal is kept.
package struct JournalConfiguration: Sendable, Hashable {
    /// A new file is begun once the newest has this size. Smaller files are recycled sooner; each costs a
    /// synchronisation of the directory.
    package var fileBytes: UInt64

    package init(fileBytes: UInt64 = 64 << 20) {
        self.fileBytes = fileBytes
    }
}
