import EventModel

/// One event for people: what happened in a sentence, then every field, grouped.
enum EventSheet {
    static func lines(_ event: JSONValue, _ console: Console) -> [String] {
        var lines = [console.bold(VisibleText.of(sentence(event))), ""]
        let overlay = event["overlay"]
        let scalars = event.members.filter { !$0.value.isContainer }
        lines += pairs(scalars.map { (name($0.key), $0.value.scalarText ?? "") }, indent: "", console)
        for member in event.members where member.value.isContainer && member.key.text != "overlay" {
            lines.append("")
            lines += group(name(member.key), member.value, console)
        }
        if let overlay { lines += differences(event, overlay, console) }
        return lines
    }

    /// What an event reads like now where that is not what was sealed: field, sealed, now.
    private static func differences(_ event: JSONValue, _ overlay: JSONValue, _ console: Console) -> [String] {
        let (sealed, now) = (flat(event), flat(overlay))
        let names = Set(sealed.keys).union(now.keys).filter { sealed[$0] != now[$0] }.sorted()
        var lines = ["", console.bold("read again") + "  by \(VisibleText.of(overlay.text("norm.overlay")))"]
        lines += pairs(
            names.filter { !$0.hasPrefix("norm.") && !$0.hasPrefix("overlay.") }.map {
                (VisibleText.of($0), "\(sealed[$0] ?? "(absent)") -> \(now[$0] ?? "(absent)")")
            }, indent: "  ", console)
        return lines
    }

    /// The scalars of an event by their paths.
    private static func flat(_ event: JSONValue) -> [String: String] {
        var found: [String: String] = [:]
        func visit(_ value: JSONValue, _ path: String) {
            switch value.kind {
            case .object:
                for member in value.members { visit(member.value, (path.isEmpty ? "" : path + ".") + member.key.text) }
            case .array: for (number, element) in value.elements.enumerated() { visit(element, "\(path)[\(number)]") }
            default: found[path] = value.scalarText ?? ""
            }
        }
        visit(event, "")
        return found
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
