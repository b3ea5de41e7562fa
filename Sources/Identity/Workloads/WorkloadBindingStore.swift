package import EventModel
import Foundation
package import GRDB
import Synchronization

/// The bindings of workloads: kept in the state database, looked up in memory.
package final class WorkloadBindingStore: Sendable {
    private let database: any DatabaseWriter
    private let table = Mutex<[String: WorkloadBinding]>([:])

    /// Reads all bindings. The database must have the migrations of ``IdentitySchema``.
    package init(database: any DatabaseWriter) throws {
        self.database = database
        try change { _ in }
    }

    /// All bindings by name.
    package func list() -> [WorkloadBinding] { table.withLock { Array($0.values) }.sorted { $0.name < $1.name } }

    /// Those of an issuer, by name. From memory.
    package func bindings(of issuer: String) -> [WorkloadBinding] {
        table.withLock { $0.values.filter { $0.issuer == issuer } }.sorted { $0.name < $1.name }
    }

    package func binding(named name: String) -> WorkloadBinding? { table.withLock { $0[name] } }

    /// Adds a binding. Its tokens are good from the moment this returns.
    ///
    /// - Throws: ``IdentityError`` `invalidName`, `invalidBinding`, `alreadyExists` or `tooMany`.
    package func add(_ binding: WorkloadBinding) throws {
        try binding.check()
        let settings = String(decoding: try JSONEncoder().encode(binding), as: UTF8.self)
        try change { database in
            let count = try Int.fetchOne(database, sql: "SELECT count(*) FROM workload_binding") ?? 0
            guard count < WorkloadLimits.bindings else {
                throw IdentityError(.tooMany, "there are \(WorkloadLimits.bindings) workload identities already")
            }
            guard self.binding(named: binding.name) == nil else {
                throw IdentityError(.alreadyExists, "there is a workload identity \(binding.name) already")
            }
            try database.execute(
                sql: "INSERT INTO workload_binding (name, settings, created) VALUES (?, ?, ?)",
                arguments: [binding.name, settings, binding.created.nanoseconds])
        }
    }

    /// Removes a binding; tokens and sessions that came by it are not good from then on.
    ///
    /// - Throws: ``IdentityError`` `notFound`.
    package func remove(name: String) throws {
        try change { database in
            try database.execute(sql: "DELETE FROM workload_binding WHERE name = ?", arguments: [name])
            guard database.changesCount > 0 else {
                throw IdentityError(.notFound, "there is no workload identity \(name)")
            }
        }
    }

    /// Changes the database, then replaces the table, both on the database's one writer and in this order: see
    /// ``TokenStore``.
    private func change(_ body: (Database) throws -> Void) throws {
        try database.writeWithoutTransaction { database in
            try database.inTransaction {
                try body(database)
                return .commit
            }
            let rows = try Row.fetchAll(database, sql: "SELECT settings, created FROM workload_binding")
            let all = try rows.map { row in
                let settings: String = row["settings"]
                var binding = try JSONDecoder().decode(WorkloadBinding.self, from: Data(settings.utf8))
                binding.created = Timestamp(nanoseconds: row["created"])
                return binding
            }
            let fresh = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
            table.withLock { $0 = fresh }
        }
    }
}

/// The tokens that were used and may not be used again: durable, so that a restart forgets none, and kept until each has expired.
package struct UsedTokenStore: Sendable {
    private let database: any DatabaseWriter
    private let limit: Int

    package init(database: any DatabaseWriter, limit: Int = WorkloadLimits.usedTokens) {
        self.database = database
        self.limit = limit
    }

    package enum Outcome: Sendable { case first, again, full }

    /// Notes a use. Of any number at once, exactly one is the first.
    ///
    /// - Parameter expires: From when on the token is no good anyway, leeway included.
    package func note(_ fingerprint: [UInt8], expires: Timestamp, now: Timestamp) async throws -> Outcome {
        try await database.write { [limit] database in
            try database.execute(
                sql: "DELETE FROM used_workload_token WHERE expires < ?", arguments: [now.seconds])
            let key = Data(fingerprint)
            let known = try Bool.fetchOne(
                database, sql: "SELECT EXISTS (SELECT 1 FROM used_workload_token WHERE fingerprint = ?)",
                arguments: [key])
            guard known != true else { return .again }
            let count = try Int.fetchOne(database, sql: "SELECT count(*) FROM used_workload_token") ?? 0
            guard count < limit else { return .full }
            try database.execute(
                sql: "INSERT INTO used_workload_token (fingerprint, expires) VALUES (?, ?)",
                arguments: [key, expires.seconds])
            return .first
        }
    }

    /// Takes a use back: what it was for did not happen.
    package func forget(_ fingerprint: [UInt8]) async throws {
        try await database.write { database in
            try database.execute(
                sql: "DELETE FROM used_workload_token WHERE fingerprint = ?", arguments: [Data(fingerprint)])
        }
    }

    package var count: Int {
        get throws {
            try database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM used_workload_token") ?? 0 }
        }
    }
}
