package import EventModel
internal import Foundation

/// All tables of an installation, in the order in which they are asked: by the names of their files.
package struct Enrichment: Sendable {
    package static let none = Enrichment(tables: [])

    package let tables: [EnrichmentTable]

    private init(tables: [EnrichmentTable]) { self.tables = tables }

    package var isEmpty: Bool { tables.isEmpty }

    /// Reads the `.yaml`, `.yml` and `.csv` files of directories. A CSV file that a YAML file names is no table of its own.
    ///
    /// - Throws: ``ConnectorError`` with file, line and reason.
    package init(directories: [String]) throws {
        var loaded: [(file: String, loaded: EnrichmentFile.Loaded)] = []
        for directory in directories {
            guard let names = try? FileManager.default.contentsOfDirectory(atPath: directory) else {
                throw ConnectorError(.unreadableFile, "the directory cannot be read", file: directory)
            }
            let files = names.filter(ConnectorDirectory.isTable).sorted()
            guard loaded.count + files.count <= EnrichmentLimits.files else {
                throw ConnectorError(
                    .invalidConnector, "more than \(EnrichmentLimits.files) files of tables", file: directory)
            }
            // Those that name others first, so that a file with headers of its own is not read as a table.
            var taken: Set<String> = []
            for name in files where !name.hasSuffix(".csv") {
                let path = directory + "/" + name
                let one = try EnrichmentFile.read(path)
                if let rows = one.rowsFile { taken.insert(URL(fileURLWithPath: rows).lastPathComponent) }
                loaded.append((name, one))
            }
            for name in files where name.hasSuffix(".csv") && !taken.contains(name) {
                loaded.append((name, try EnrichmentFile.read(directory + "/" + name)))
            }
        }
        let rows = loaded.reduce(0) { $0 + $1.loaded.table.rowCount }
        guard rows <= EnrichmentLimits.allRows else {
            throw ConnectorError(
                .invalidConnector, "the tables have more than \(EnrichmentLimits.allRows) rows together",
                file: directories.first)
        }
        tables = loaded.sorted { $0.file < $1.file }.map(\.loaded.table)
    }

    /// Adds what the tables know of an event. A later table sees what an earlier one told.
    ///
    /// - Parameters:
    ///   - record: What a connector read from the payload.
    ///   - source: The configured name of the source.
    package func enrich(_ record: inout EventRecord, source: String) {
        for table in tables { table.enrich(&record, source: source) }
    }

    /// What the files look like, without reading them.
    package static func fingerprint(ofFilesIn directories: [String]) -> [String] {
        directories.flatMap { ConnectorDirectory.fingerprint($0, of: ConnectorDirectory.isTable) }
    }
}
