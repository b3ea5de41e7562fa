internal import EventModel

/// Fills a table row by row and refuses what cannot be, with the line where it stands.
struct EnrichmentBuilder {
    private let file: String
    private(set) var table: EnrichmentTable
    private var textNumbers: [String: Int32] = [:]
    private var networks: [(range: AddressRange, row: Int)] = []
    private var seenNetworks: Set<AddressRange> = []
    private var lengths: Set<Int> = []

    private var isNetwork: Bool { table.match.contains { $0.type == .address } }

    init(_ table: EnrichmentTable, file: String) {
        self.table = table
        self.file = file
    }

    func failure(_ line: Int?, _ reason: String) -> ConnectorError {
        ConnectorError(.invalidConnector, reason, file: file, line: line)
    }

    /// - Parameter values: By target, in the table's order; nil or empty where the row says nothing.
    mutating func add(keys: [String], values: [String?], line: Int?) throws {
        guard !keys.isEmpty else { throw failure(line, "the row has no key") }
        guard keys.count <= EnrichmentLimits.keysOfRow else {
            throw failure(line, "the row has more than \(EnrichmentLimits.keysOfRow) keys")
        }
        guard table.rowCount < EnrichmentLimits.rows else {
            throw failure(line, "a table has at most \(EnrichmentLimits.rows) rows")
        }
        for key in keys { try add(key, line) }
        for (target, value) in zip(table.targets, values) { table.values.append(try number(of: value, target, line)) }
        table.rowCount += 1
    }

    private mutating func number(of value: String?, _ target: EnrichmentTable.Target, _ line: Int?) throws -> Int32 {
        guard let value, !value.isEmpty else { return -1 }
        guard value.utf8.count <= EnrichmentLimits.valueBytes else {
            throw failure(line, "\(target.path) has more than \(EnrichmentLimits.valueBytes) bytes")
        }
        if case .field(let field) = target, let members = Vocabulary.members(of: field), !members.contains(value) {
            throw failure(line, "\(target.path) is one of \(members.sorted().joined(separator: ", "))")
        }
        var text = value
        if case .ext(let key) = target { text = key + "\0" + value }
        if let known = textNumbers[text] { return known }
        let number = Int32(table.texts.count)
        table.texts.append(text)
        textNumbers[text] = number
        return number
    }

    private mutating func add(_ key: String, _ line: Int?) throws {
        guard !key.isEmpty else { throw failure(line, "a key is empty") }
        guard key.utf8.count <= EnrichmentLimits.keyBytes else {
            throw failure(line, "a key has more than \(EnrichmentLimits.keyBytes) bytes")
        }
        if isNetwork { return try addNetwork(key, line) }
        guard key.hasSuffix("*") else {
            guard table.keys.insert(CaseFolding.folded(key), row: table.rowCount) else {
                throw failure(line, "the key \(key) stands here twice")
            }
            return
        }
        let beginning = CaseFolding.folded(String(key.dropLast()))
        guard table.prefixes.insert(beginning, row: table.rowCount) else {
            throw failure(line, "the key \(key) stands here twice")
        }
        lengths.insert(beginning.count)
        guard lengths.count <= EnrichmentLimits.prefixLengths else {
            throw failure(line, "keys that end in * have at most \(EnrichmentLimits.prefixLengths) different lengths")
        }
    }

    private mutating func addNetwork(_ key: String, _ line: Int?) throws {
        let text = key.contains("/") ? key : key + (key.contains(":") ? "/128" : "/32")
        guard let range = AddressRange(cidr: text) else {
            throw failure(line, "\(key) is no address and no network, as 10.1.0.0/16")
        }
        guard seenNetworks.insert(range).inserted else { throw failure(line, "the network \(key) stands here twice") }
        networks.append((range, table.rowCount))
    }

    func finished() -> EnrichmentTable {
        var table = table
        table.prefixLengths = lengths.sorted(by: >)
        table.networks = NetworkTable(networks)
        return table
    }
}

extension EnrichmentTable {
    /// The fields that tables may set where an event is silent: what somebody can know of a thing without having seen the event.
    static let settable: [Field] = [
        .sourceInstance, .actorName, .actorEmail, .actorType, .clientName, .resourceType, .resourceParent, .appName,
        .appVersion, .appEnv, .ciSystem,
    ]

    /// - Throws: a reason.
    static func target(_ path: String) throws(Refusal) -> Target {
        if path.hasPrefix("ext.") {
            let key = String(path.dropFirst(4))
            let isName = !key.isEmpty && key != mark && key.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
            guard isName else { throw Refusal("\(path) is not a name for a table to set") }
            return .ext(key)
        }
        guard let field = Field(path: path), settable.contains(field) else {
            throw Refusal(
                "\(path) is not for tables to set; these are: ext.NAME, \(settable.map(\.path).joined(separator: ", "))"
            )
        }
        return .field(field)
    }

    /// The fields by whose values rows are found: texts, or addresses, but not both.
    static func match(_ paths: [String]) throws(Refusal) -> [Field] {
        var fields: [Field] = []
        for path in paths {
            guard let field = Field(path: path), !field.isList, field.type == .text || field.type == .address,
                ![.id, .schema, .sourceName, .sourceVerified, .payloadSHA256, .payloadType].contains(field)
            else { throw Refusal("\(path) is no field that rows can be found by") }
            fields.append(field)
        }
        guard !fields.isEmpty else { throw Refusal("a table needs a field that rows are found by") }
        guard Set(fields.map { $0.type == .address }).count == 1 else {
            throw Refusal("a table is found by addresses or by texts, not by both")
        }
        return fields
    }

    struct Refusal: Error {
        let reason: String
        init(_ reason: String) { self.reason = reason }
    }
}
