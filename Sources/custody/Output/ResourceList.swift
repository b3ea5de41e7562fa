import EventModel

/// A listing of sources, tokens, alerts …: a table of some members, or each element as a line of NDJSON.
struct ResourceList {
    struct Member {
        let title: String
        let path: String
        var isNumber = false
        var isRigid = false
        /// Characters shown, for texts of any size; also where nothing else is cut.
        var longest = Int.max

        init(
            _ title: String, _ path: String? = nil, isNumber: Bool = false, isRigid: Bool = false,
            longest: Int = Int.max
        ) {
            self.title = title
            self.path = path ?? title
            self.isNumber = isNumber
            self.isRigid = isRigid
            self.longest = longest
        }
    }

    let members: [Member]

    init(_ members: [Member]) { self.members = members }

    /// Writes the elements; says whether there were any.
    @discardableResult
    func write(_ elements: JSONValue?, asJSON: Bool, to console: Console) throws -> Bool {
        guard let elements, elements.elements.contains(where: { _ in true }) else { return false }
        if asJSON {
            for element in elements.elements { try console.writeOutput(JSONDocument.line(element)) }
            return true
        }
        var table = TextTable(
            members.map { TextTable.Column(title: $0.title, isNumber: $0.isNumber, isRigid: $0.isRigid) })
        for element in elements.elements {
            table.add(
                members.map { member in
                    let text = element.text(member.path)
                    guard text.count <= member.longest else { return text.prefix(member.longest) + "…" }
                    return member.isRigid ? EventColumns.seconds(text) : text
                })
        }
        try console.lines(table.lines(console))
        return true
    }
}
