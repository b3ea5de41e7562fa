internal import Crypto
internal import EventModel
internal import Foundation

/// Reads the files of tables. docs/enrichment.md describes them.
enum EnrichmentFile {
    struct Loaded {
        let table: EnrichmentTable
        /// The CSV file that a YAML file takes its rows from.
        var rowsFile: String?
    }

    static let keys = ["match", "sources", "rows", "csv", "columns"]

    /// - Throws: ``ConnectorError`` with file, line and reason.
    static func read(_ path: String) throws -> Loaded {
        let isCSV = path.hasSuffix(".csv")
        let text = try contents(path, limit: isCSV ? EnrichmentLimits.csvBytes : EnrichmentLimits.yamlBytes)
        return isCSV ? Loaded(table: try table(csv: text, path)) : try table(yaml: text, path)
    }

    private static func contents(_ path: String, limit: Int) throws -> String {
        let size = (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? NSNumber
        guard let size, let data = FileManager.default.contents(atPath: path) else {
            throw ConnectorError(.unreadableFile, "the file cannot be read", file: path)
        }
        guard max(size.intValue, data.count) <= limit else {
            throw ConnectorError(.invalidConnector, "the file has more than \(limit) bytes", file: path, line: 1)
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw ConnectorError(.invalidConnector, "the file is not UTF-8", file: path, line: 1)
        }
        return text
    }

    private static func name(_ path: String) -> String {
        URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    }

    private static func digest(_ texts: [String]) -> String {
        var hash = SHA256()
        for text in texts { hash.update(data: Data(text.utf8)) }
        return hash.finalize().prefix(4).map { byte in
            let text = String(byte, radix: 16)
            return text.utf8.count == 1 ? "0" + text : text
        }.joined()
    }

    // MARK: CSV

    /// A table whose header names fields: first those that rows are found by, with bars between them, then those that are set.
    private static func table(csv text: String, _ path: String) throws -> EnrichmentTable {
        var reader = CSVReader(text)
        guard let header = try next(&reader, path) else {
            throw ConnectorError(.invalidConnector, "the file is empty", file: path, line: 1)
        }
        let match = try located(path, header.line) { () throws(EnrichmentTable.Refusal) in
            try EnrichmentTable.match(parts(header.cells[0]))
        }
        let columns = Array(header.cells.dropFirst())
        let targets = try targets(columns, path, header.line)
        var builder = EnrichmentBuilder(
            EnrichmentTable(
                name: name(path), digest: digest([text]), match: match, scope: .init(), targets: targets), file: path)
        while let record = try next(&reader, path) {
            guard record.cells.count == header.cells.count else {
                throw builder.failure(
                    record.line, "the row has \(record.cells.count) cells, the header \(header.cells.count)")
            }
            try builder.add(
                keys: parts(record.cells[0]), values: record.cells.dropFirst().map { $0 }, line: record.line)
        }
        return builder.finished()
    }

    private static func next(_ reader: inout CSVReader, _ path: String) throws -> CSVReader.Record? {
        do {
            return try reader.next()
        } catch let failure as CSVReader.Failure {
            throw ConnectorError(.invalidConnector, failure.reason, file: path, line: failure.line)
        }
    }

    private static func parts(_ cell: String) -> [String] {
        cell.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    private static func targets(_ paths: [String], _ file: String, _ line: Int?) throws -> [EnrichmentTable.Target] {
        guard !paths.isEmpty, paths.count <= EnrichmentLimits.fields else {
            throw ConnectorError(
                .invalidConnector, "a table sets 1 to \(EnrichmentLimits.fields) fields", file: file, line: line)
        }
        guard Set(paths).count == paths.count else {
            throw ConnectorError(.invalidConnector, "a field is set twice", file: file, line: line)
        }
        return try paths.map { path in
            try located(file, line) { () throws(EnrichmentTable.Refusal) in try EnrichmentTable.target(path) }
        }
    }

    private static func located<Value>(
        _ file: String, _ line: Int?, _ body: () throws(EnrichmentTable.Refusal) -> Value
    ) throws -> Value {
        do {
            return try body()
        } catch {
            throw ConnectorError(.invalidConnector, error.reason, file: file, line: line)
        }
    }

    // MARK: YAML

    private static func table(yaml text: String, _ path: String) throws -> Loaded {
        let root = try ConfigNode.root(of: text, file: path)
        let members = try root.members(keys)
        guard let matchNode = members["match"] else { throw root.error("a table needs match") }
        let paths = try matchNode.list.map { try $0.text() }
        let match = try located(path, matchNode.line) { () throws(EnrichmentTable.Refusal) in
            try EnrichmentTable.match(paths)
        }
        var scope = EnrichmentTable.Scope()
        for node in members["sources"]?.list ?? [] {
            let name = try node.text()
            if name.hasSuffix("*") { scope.prefixes.append(String(name.dropLast())) } else { scope.exact.insert(name) }
        }
        switch (members["rows"], members["csv"]) {
        case (let rows?, nil):
            guard members["columns"] == nil else { throw root.error("columns belong to csv") }
            return Loaded(table: try table(rows, match, scope, text, path))
        case (nil, let csv?):
            guard let columns = members["columns"] else { throw csv.error("csv needs columns") }
            let file = try csv.text()
            guard !file.contains("/"), file.hasSuffix(".csv") else {
                throw csv.error("csv is the name of a .csv file beside this one")
            }
            let place = URL(fileURLWithPath: path).deletingLastPathComponent().appendingPathComponent(file).path
            return Loaded(table: try table(place, columns, match, scope, text, path), rowsFile: place)
        default: throw root.error("a table has rows or csv")
        }
    }

    /// Rows of a YAML file: `{key: …, set: {FIELD: VALUE}}`.
    private static func table(
        _ rows: ConfigNode, _ match: [Field], _ scope: EnrichmentTable.Scope, _ text: String, _ path: String
    ) throws -> EnrichmentTable {
        guard rows.isSequence else { throw rows.error("a list of rows is expected here") }
        var columns: [String] = []
        var read: [(line: Int?, keys: [String], set: [String: String])] = []
        for row in rows.list {
            let parts = try row.members(["key", "set"])
            guard let key = parts["key"], let set = parts["set"] else { throw row.error("a row has key and set") }
            var values: [String: String] = [:]
            for (name, value) in try set.entries() {
                let name = try name.text()
                if !columns.contains(name) {
                    columns.append(name)
                    _ = try targets(columns, path, set.line)
                }
                values[name] = try value.isNull ? nil : value.text()
            }
            read.append((row.line, try key.list.map { try $0.text() }, values))
        }
        let targets = try targets(columns, path, rows.line)
        var builder = EnrichmentBuilder(
            EnrichmentTable(name: name(path), digest: digest([text]), match: match, scope: scope, targets: targets),
            file: path)
        for row in read { try builder.add(keys: row.keys, values: columns.map { row.set[$0] }, line: row.line) }
        return builder.finished()
    }

    /// Rows of somebody else's CSV: `columns` says of its headers which is the key and what the others set.
    private static func table(
        _ csv: String, _ columns: ConfigNode, _ match: [Field], _ scope: EnrichmentTable.Scope, _ text: String,
        _ path: String
    ) throws -> EnrichmentTable {
        let rows = try contents(csv, limit: EnrichmentLimits.csvBytes)
        var reader = CSVReader(rows)
        guard let header = try next(&reader, csv) else {
            throw ConnectorError(.invalidConnector, "the file is empty", file: csv, line: 1)
        }
        var keyColumn: Int?
        var wanted: [(column: Int, path: String)] = []
        for (node, value) in try columns.entries() {
            let name = try node.text()
            guard let column = header.cells.firstIndex(of: name) else {
                throw node.error("\(csv) has no column \(name); it has \(header.cells.joined(separator: ", "))")
            }
            let target = try value.text()
            if target == "key" { keyColumn = column } else { wanted.append((column, target)) }
        }
        guard let keyColumn else { throw columns.error("one of the columns is the key") }
        let targets = try targets(wanted.map(\.path), path, columns.line)
        var builder = EnrichmentBuilder(
            EnrichmentTable(
                name: name(path), digest: digest([text, rows]), match: match, scope: scope, targets: targets),
            file: csv)
        while let record = try next(&reader, csv) {
            guard record.cells.count == header.cells.count else {
                throw builder.failure(
                    record.line, "the row has \(record.cells.count) cells, the header \(header.cells.count)")
            }
            try builder.add(
                keys: parts(record.cells[keyColumn]), values: wanted.map { record.cells[$0.column] }, line: record.line)
        }
        return builder.finished()
    }
}
