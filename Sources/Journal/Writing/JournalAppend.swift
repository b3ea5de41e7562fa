/// What an append has made durable.
package struct JournalAppend: Sendable {
    /// The index of the first kept record of each page given, in their order; nil where no record was kept. The kept
    /// records of a page follow one another.
    package let firstIndexes: [UInt64?]
    /// All indexes of the group.
    package let indexes: Range<UInt64>
    /// The seeds of all records of the group.
    package let seeds: SeedTable
}
