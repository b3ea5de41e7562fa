import Foundation
import GRDB
package import SystemPackage

/// A look into a state database that changes nothing, for `custody doctor`; a server may have it open.
package struct StateExamination: Sendable {
    /// What SQLite's own check finds wrong; empty for a sound database.
    package let problems: [String]
    /// Entries in quarantine by source, most first.
    package let quarantined: [(source: String, entries: Int)]

    /// - Throws: When the file is missing or is no database.
    /// - Complexity: reads the database once.
    package init(_ path: FilePath) throws {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.label = "doctor"
        let queue = try DatabaseQueue(path: path.string, configuration: configuration)
        (problems, quarantined) = try queue.read { database in
            let findings = try String.fetchAll(database, sql: "PRAGMA quick_check(5)").filter { $0 != "ok" }
            let rows = try Row.fetchAll(
                database, sql: "SELECT source, count(*) AS entries FROM quarantine GROUP BY source ORDER BY 2 DESC")
            return (findings, rows.map { (source: $0["source"], entries: $0["entries"]) })
        }
        try queue.close()
    }
}
