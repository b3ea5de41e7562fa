import EventModel
import QueryLanguage

/// The fields of an event by their paths, in the order of the canonical event.
struct EventFields {
    private let values: [(path: String, value: String)]

    /// - Parameter json: an event's JSON object, with what its reader may see.
    init(_ json: [UInt8]) {
        values =
            (try? JSONParser().withDocument(json) { root in
                var values: [(String, String)] = []
                Self.collect(root, "", &values)
                return values
            }) ?? []
    }

    private static func collect(_ value: JSONValue, _ path: String, _ values: inout [(String, String)]) {
        switch value.kind {
        case .object:
            for member in value.members {
                let name = String(decoding: member.key, as: UTF8.self)
                collect(member.value, path.isEmpty ? name : path + "." + name, &values)
            }
        case .array: for element in value.elements { collect(element, path, &values) }
        case .null: break
        default: if let text = value.scalarText { values.append((path, text)) }
        }
    }

    /// The first value of a path.
    func value(_ path: String) -> String? { values.first { $0.path == path }?.value }

    /// The fields under headings that people look for, each with the searches that a click on it starts.
    func groups(now: Timestamp) -> [PageData] {
        let headings: [(title: String, heads: [String])] = [
            ("What", ["action", "activity", "category", "outcome", "outcome_code", "outcome_reason"]),
            ("Who", ["actor"]), ("From where", ["client"]), ("On what", ["resource", "targets"]),
            ("When", ["time", "time_basis", "received"]),
            ("Build and delivery", ["app", "artifact", "vcs", "ci"]), ("Interface", ["api"]), ("Belongs to", ["corr"]),
            ("Source", ["source"]),
        ]
        let known = Set(headings.flatMap(\.heads))
        var groups: [(String, [(path: String, value: String)])] = headings.map { title, heads in
            (title, values.filter { heads.contains(Self.head($0.path)) })
        }
        groups.append(("More", values.filter { !known.contains(Self.head($0.path)) }))
        return groups.filter { !$0.1.isEmpty }.map { title, members in
            ["title": title, "fields": members.map { Self.data($0.path, $0.value, now: now) }]
        }
    }

    /// The fields of another reading of the event that are not the same here, and those that it lacks, which have no value.
    func differences(in other: EventFields, now: Timestamp) -> [PageData] {
        func byPath(_ fields: EventFields) -> [String: String] {
            Dictionary(fields.values.map { ($0.path, $0.value) }) { $0 + ", " + $1 }
        }
        let (own, others) = (byPath(self), byPath(other))
        var paths: [String] = []
        for path in (other.values + values).map(\.path) where own[path] != others[path] && !paths.contains(path) {
            paths.append(path)
        }
        return paths.filter { Self.head($0) != "norm" }.map { path in
            guard let value = others[path] else { return ["path": path, "is_absent": true] }
            return Self.data(path, value, now: now)
        }
    }

    private static func head(_ path: String) -> String { String(path.prefix { $0 != "." }) }

    private static func data(_ path: String, _ value: String, now: Timestamp) -> PageData {
        let everything = Query(filter: .all)
        let isTime = path == "time" || path == "received"
        let included = isTime || path == "index" ? nil : everything.adding(path, value, now: now)
        let excluded = included.flatMap { _ in everything.adding(path, value, excluding: true, now: now) }
        return .of([
            "path": path, "value": value,
            "include": included.map { PagePath.with("/search", ["q": $0.boxText]) },
            "exclude": excluded.map { PagePath.with("/search", ["q": $0.boxText]) },
        ])
    }
}
