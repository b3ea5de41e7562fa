/// The bounds of tables. They are files of the operator's, read again whenever one changes while events come.
package enum EnrichmentLimits {
    /// Files of all directories.
    package static let files = 64
    /// Bytes of a CSV file: a row for each of 200,000 services or networks.
    package static let csvBytes = 32 << 20
    /// Bytes of a YAML file, which takes some fifty times its bytes while it is read.
    package static let yamlBytes = 4 << 20
    /// Rows of one table and of all.
    package static let rows = 200_000
    package static let allRows = 500_000
    /// Keys of one row: the names of one person in all systems.
    package static let keysOfRow = 64
    /// Bytes of a key; longer values of events match nothing.
    package static let keyBytes = 512
    /// Bytes of a value.
    package static let valueBytes = 1_024
    /// Fields that one table sets. Each is looked at for every event that a row matches.
    package static let fields = 16
    /// Different lengths of the beginnings (`acme/*`) of one table: each costs a look-up.
    package static let prefixLengths = 16
}
