import EventModel

/// One event for people: what happened in a sentence, then every field, grouped.
enum EventSheet {
    static func lines(_ event: JSONValue, _ console: Console) -> [String] {
        var lines = [console.bold(VisibleText.of(sentence(event))), ""]
        let scalars = event.members.filter { !$0.value.isContainer }
        lines += pairs(scalars.map { (name($0.key), $0.value.scalarText ?? "") }, indent: "", console)
        for member in event.members where member.value.isContainer {
            lines.append("")
            lines += group(name(member.key), member.value, console)
        }
        return lines
    }

    /// `octocat repo.destroy acme/api: success`.
    private static func sentence(_ event: JSONValue) -> String {
        let cells = EventColumns.cells(event)
        let words = [cells[4].isEmpty ? "somebody" : cells[4], cells[3], cells[5]].filter { !$0.isEmpty }
        return words.joined(separator: " ") + (cells[6].isEmpty ? "" : ": " + cells[6])
    }

    private static func group(_ title: String, _ value: JSONValue, _ console: Console) -> [String] {
        if value.kind == .object {
            let members = value.members.map { (name($0.key), text($0.value)) }
            return [console.bold(title)] + pairs(members, indent: "  ", console)
        }
        return value.elements.enumerated().flatMap { number, element in
            group("\(title)[\(number)]", element, console)
        }
    }

    private static func text(_ value: JSONValue) -> String {
        guard value.isContainer else { return value.scalarText ?? "" }
        return value.elements.compactMap(\.scalarText).joined(separator: ", ")
    }

    private static func pairs(_ pairs: [(String, String)], indent: String, _ console: Console) -> [String] {
        let width = pairs.reduce(0) { max($0, DisplayWidth.of($1.0)) }
        return pairs.map { name, value in
            let padding = String(repeating: " ", count: width - DisplayWidth.of(name))
            return indent + console.dim(name) + padding + "  " + VisibleText.of(value)
        }
    }

    private static func name(_ key: UnsafeRawBufferPointer) -> String {
        VisibleText.of(String(decoding: key, as: UTF8.self))
    }
}
