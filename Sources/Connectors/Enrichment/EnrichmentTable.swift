package import EventModel

/// What an operator knows of services, repositories, networks or people: rows that are found by a value of an event and say
/// what else is known then.
package struct EnrichmentTable: Sendable {
    /// A value that rows may set.
    enum Target: Hashable, Sendable {
        case field(Field)
        case ext(String)

        var path: String {
            switch self {
            case .field(let field): field.path
            case .ext(let key): "ext." + key
            }
        }
    }

    /// Which sources' events it is for: names or kinds, with `*` for an end of any kind; all when there are none.
    struct Scope: Sendable {
        var exact: Set<String> = []
        var prefixes: [String] = []

        var isOpen: Bool { exact.isEmpty && prefixes.isEmpty }

        func holds(_ name: String) -> Bool { exact.contains(name) || prefixes.contains { name.hasPrefix($0) } }
    }

    /// The extension under which an event says what tables told of it: `NAME@DIGEST FIELD …`.
    package static let mark = "enriched"

    /// The name of its file, without extension.
    package let name: String
    /// The first eight digits of the SHA-256 of its file.
    package let digest: String
    package internal(set) var rowCount = 0
    let match: [Field]
    let scope: Scope
    let targets: [Target]
    /// For each row and target the number of its text; -1 for none. Texts for `ext` are whole entries: key, zero byte, value.
    var values: [Int32] = []
    var texts: [String] = []
    var keys = KeyTable()
    /// Beginnings of keys, and how long they are, the longest first.
    var prefixes = KeyTable()
    var prefixLengths: [Int] = []
    var networks = NetworkTable()
    /// What an event says to which all targets of a row were given; an entry of `ext`.
    private let wholeMark: String
    /// How the entries of each target begin; empty for fields.
    private let beginnings: [[UInt8]]

    init(name: String, digest: String, match: [Field], scope: Scope, targets: [Target]) {
        self.name = name
        self.digest = digest
        self.match = match
        self.scope = scope
        self.targets = targets
        wholeMark = Self.mark + "\0\(name)@\(digest) " + targets.map(\.path).joined(separator: " ")
        beginnings = targets.map { target in
            guard case .ext(let key) = target else { return [] }
            return Array(key.utf8) + [0]
        }
    }

    /// The fields that rows are found by, and that they set.
    package var matchPaths: [String] { match.map(\.path) }
    package var setPaths: [String] { targets.map(\.path) }

    /// Adds what this table knows of an event. What the event says itself is never replaced.
    ///
    /// - Complexity: does not grow with the table, but for networks with the logarithm of their number.
    package func enrich(_ record: inout EventRecord, source: String) {
        guard scope.isOpen || scope.holds(source) || record.text(.sourceKind).map(scope.holds) == true else { return }
        guard let row = row(for: record) else { return }
        // A bit for each target.
        var given: UInt32 = 0
        for (column, target) in targets.enumerated() {
            let number = values[row * targets.count + column]
            guard number >= 0, !has(column, record) else { continue }
            given |= 1 << UInt32(column)
            switch target {
            case .field(let field): record.set(field, texts[Int(number)])
            case .ext: record.append(.ext, texts[Int(number)])
            }
        }
        guard given != 0 else { return }
        guard given != 1 << UInt32(targets.count) - 1 else {
            record.append(.ext, wholeMark)
            return
        }
        let paths = targets.indices.filter { given & 1 << UInt32($0) != 0 }.map { targets[$0].path }
        record.addExtension(Self.mark, "\(name)@\(digest) " + paths.joined(separator: " "))
    }

    /// Whether an event has a target's value already.
    private func has(_ column: Int, _ record: EventRecord) -> Bool {
        if case .field(let field) = targets[column] { return record.contains(field) }
        for element in 0..<record.count(of: .ext) {
            if record.withValue(.ext, element: element, { $0.starts(with: beginnings[column]) }) == true { return true }
        }
        return false
    }

    private func row(for record: EventRecord) -> Int? {
        for field in match {
            let found: Int?? = record.withValue(field) { value in
                field.type == .address ? IPAddress(parsing: value).flatMap(networks.row) : row(ofText: value)
            }
            if let row = found ?? nil { return row }
        }
        return nil
    }

    /// The row of a key, or of the longest beginning of it.
    func row(ofText text: UnsafeRawBufferPointer) -> Int? {
        guard text.count <= EnrichmentLimits.keyBytes else { return nil }
        return Self.withFolded(text) { folded in
            if let row = keys.row(of: folded) { return row }
            for length in prefixLengths where length <= folded.count {
                if let row = prefixes.row(of: folded.slice(0..<length)) { return row }
            }
            return nil
        }
    }

    private static func withFolded<Result>(
        _ text: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        withUnsafeTemporaryAllocation(byteCount: max(1, text.count), alignment: 8) { buffer in
            var seen: UInt8 = 0
            for position in 0..<text.count {
                seen |= text[position]
                buffer[position] = CaseFolding.fold(text[position])
            }
            guard seen >= 0x80 else { return body(UnsafeRawBufferPointer(rebasing: buffer[..<text.count])) }
            var folded: [UInt8] = []
            CaseFolding.appendFolded(text, to: &folded)
            return folded.withUnsafeBytes(body)
        }
    }
}
