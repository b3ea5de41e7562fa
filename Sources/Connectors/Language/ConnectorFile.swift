internal import EventModel

/// Compiles a connector file. docs/connectors.md describes the language.
struct ConnectorFile {
    static let keys =
        [
            "name", "version", "title", "like", "authenticate", "answer", "batch", "recognise", "wrapped", "lines",
            "event", "delivery", "events",
        ]
        + SectionParser.keys

    /// - Parameter siblings: Files that `like` may name beside the built-in ones, by their name without extension.
    /// - Throws: ``ConnectorError`` `invalidConnector` with file, line and reason.
    static func compile(
        _ text: String, file: String, siblings: [String: (file: String, text: String)] = [:]
    ) throws -> Connector {
        let root = try ConfigNode.root(of: text, file: file)
        var members = try root.members(keys)
        if let like = members["like"] {
            members.merge(try Self.members(of: like, siblings)) { own, _ in own }
        }
        guard let nameNode = members["name"], let versionNode = members["version"] else {
            throw root.error("a connector needs a name and a version")
        }
        let name = try nameNode.text()
        guard !name.isEmpty, name.utf8.allSatisfy(isNameByte) else {
            throw nameNode.error("a name is made of lower-case letters, digits and dashes")
        }
        guard !Connector.reservedNames.contains(name) else { throw nameNode.error("the name \(name) is reserved") }
        let batch = try members["batch"].map { try self.batch($0) }
        let wrappers = try (members["wrapped"]?.list ?? []).map { try path($0) }
        return Connector(
            name: name, version: try versionNode.integer(1...100_000), title: try members["title"]?.text() ?? name,
            authentication: try (members["authenticate"]?.list ?? []).map { try AuthenticationParser.scheme($0) },
            answers: try (members["answer"]?.list ?? []).map { try AnswerParser.answer($0) },
            batches: batch?.members ?? [], batchesStandAlone: batch?.alone ?? false,
            recognition: try (members["recognise"]?.list ?? []).map { try RecognitionParser.rule($0) },
            lines: try members["lines"].map { try LinesParser.patterns($0) } ?? [],
            program: try program(members, wrappers: wrappers))
    }

    /// What a connector says that is `like` another and does not say otherwise: whole top-level members.
    private static func members(
        of like: ConfigNode, _ siblings: [String: (file: String, text: String)]
    ) throws -> [String: ConfigNode] {
        let name = try like.text()
        let base: (file: String, text: String)
        if let sibling = siblings[name] {
            base = sibling
        } else if let builtIn = ConnectorCatalogue.builtInFiles.first(where: { $0.name == name + ".yaml" }) {
            base = (builtIn.name, String(decoding: builtIn.bytes, as: UTF8.self))
        } else {
            throw like.error("there is no built-in connector \(name) and no file \(name).yaml beside this one")
        }
        let members = try ConfigNode.root(of: base.text, file: base.file).members(keys)
        guard members["like"] == nil else { throw like.error("\(name) is itself like another connector") }
        return members
    }

    private static func program(_ members: [String: ConfigNode], wrappers: [PayloadPath]) throws -> Program {
        var parser = SectionParser()
        var eventType: [Alternative] = []
        if let event = members["event"] { eventType = try parser.scope.alternatives(event) }
        let common = try parser.draft(members)
        var drafts: [(types: [String], draft: SectionParser.Draft)] = []
        for (key, value) in try members["events"]?.entries() ?? [] {
            drafts.append((try key.commaSeparated(), try parser.draft(try value.members(SectionParser.keys))))
        }
        var usesContent = false
        var delivery: [Alternative] = []
        for node in members["delivery"]?.list ?? [] {
            if !node.isMapping, try node.text() == "$content" {
                usesContent = true
            } else {
                delivery += try parser.scope.alternatives(node)
            }
        }
        let wrapped = wrappers.map { ($0, parser.scope.slot($0)) }
        // Every path is known by now: what the sections need is counted in slots.
        return Program(
            paths: PathTrie(parser.scope.paths), wrappers: wrapped, eventType: eventType, delivery: delivery,
            variableCount: parser.scope.variables.count, usesContentAsKey: usesContent,
            common: parser.merged(SectionParser.Draft(), over: common),
            sections: SectionTable(drafts.map { ($0.types, parser.merged($0.draft, over: common)) }),
            memory: parser.scope.memory)
    }

    static let batchKeys = ["members", "alone"]

    /// `batch`: paths, or `{members: names, alone: true}`.
    private static func batch(_ node: ConfigNode) throws -> (members: [BatchPath], alone: Bool) {
        guard node.isMapping else { return (try node.list.map(batchPath), false) }
        let parts = try node.members(batchKeys)
        guard let members = parts["members"] else { throw node.error("a batch needs members") }
        return (try members.list.map(batchPath), try parts["alone"]?.flag() ?? false)
    }

    private static func batchPath(_ node: ConfigNode) throws -> BatchPath {
        let text = try node.text()
        guard let path = BatchPath(text) else { throw node.error("\"\(text)\" is not a path of keys") }
        return path
    }

    static func path(_ node: ConfigNode) throws -> PayloadPath {
        let text = try node.text()
        guard let path = PayloadPath(text) else { throw node.error("\"\(text)\" is not a path") }
        return path
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        byte &- UInt8(ascii: "a") < 26 || byte &- UInt8(ascii: "0") < 10 || byte == UInt8(ascii: "-")
    }
}
