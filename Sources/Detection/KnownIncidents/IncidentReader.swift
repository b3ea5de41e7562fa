import EventModel
import QueryLanguage

/// Reads a file of the pack: incidents, and channels.
///
/// An incident is a mapping with `id`, `title`, `summary`, `exposure` (`from`, `until`), `sources`, `indicators` and `remedy`;
/// `references` may be there. A file of channels has the one key `channels`.
struct IncidentReader {
    /// Indicators of one incident: each is a query or two.
    static let indicators = 32
    /// Packages, files, digests and the like of one indicator.
    static let members = 500
    /// Packages of one query, whose text is bounded (`QueryLimits.textLength`).
    static let packagesOfQuery = 25

    let file: String
    /// The channels known so far.
    let channels: [String: EvidenceChannel]

    // MARK: Channels

    static func channels(_ root: RuleNode, file: String) throws -> [EvidenceChannel] {
        guard let pairs = root["channels"]?.mapping else { return [] }
        return try pairs.map { name, node in
            let reader = IncidentReader(file: file, channels: [:])
            let filter = try reader.text("filter", node)
            try reader.check(filter, node)
            return EvidenceChannel(
                name: name, title: try reader.text("title", node), filter: filter,
                connect: try reader.texts("connect", node), limit: try reader.text("limit", node),
                isConclusive: node["conclusive"]?.text == "true")
        }
    }

    // MARK: Incidents

    func incident(_ root: RuleNode) throws -> KnownIncident {
        let id = try text("id", root)
        guard (1...64).contains(id.utf8.count),
            id.utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "-") })
        else { throw fault("an id is of small letters, digits and dashes", root) }
        guard let exposure = root["exposure"] else { throw fault("exposure is missing", root) }
        let window = KnownIncident.Window(from: try time("from", exposure), until: try time("until", exposure))
        guard window.from < window.until else { throw fault("exposure ends before it begins", exposure) }
        let sources = try texts("sources", root)
        guard !sources.isEmpty, sources.allSatisfy({ $0.hasPrefix("https://") }) else {
            throw fault("sources are https URLs, at least one", root)
        }
        guard let nodes = root["indicators"]?.sequence, !nodes.isEmpty, nodes.count <= Self.indicators else {
            throw fault("indicators are a list of 1 to \(Self.indicators)", root)
        }
        return KnownIncident(
            id: id, title: try text("title", root), summary: try text("summary", root), exposure: window,
            references: try texts("references", root), sources: sources, indicators: try nodes.flatMap(indicator),
            partial: root["partial"]?.text, remedy: try text("remedy", root), file: file)
    }

    /// What one item of `indicators` looks for: in the fields that are made for it, which is proof, and as text elsewhere, which
    /// is a hint.
    private func indicator(_ node: RuleNode) throws -> [IncidentIndicator] {
        let named = try texts("channels", node)
        for name in named where channels[name] == nil { throw fault("there is no channel \(name)", node) }
        let period: IncidentIndicator.Period
        switch node["period"]?.text {
        case nil: period = node["action"] == nil ? .since : .exposure
        case "exposure"?: period = .exposure
        case "since"?: period = .since
        case let other?: throw fault("period is exposure or since, not \(other)", node)
        }
        func make(
            _ title: String, _ filter: String, _ weight: IncidentIndicator.Weight = .proof, fetch: Bool = false,
            _ usual: [String] = []
        ) throws -> IncidentIndicator {
            try check(filter, node)
            return IncidentIndicator(
                title: node["title"]?.text ?? title, filter: filter, weight: weight, period: period,
                ignoresRefused: fetch, channels: named.isEmpty ? usual.filter { channels[$0] != nil } : named)
        }
        let weight = try self.weight(node)
        if let packages = node["packages"]?.mapping {
            return try packages.flatMap { ecosystem, list in
                let wanted = try (list.mapping ?? []).map { (name: $0.key, versions: try texts($0.value)) }
                guard !wanted.isEmpty, wanted.count <= Self.members else {
                    throw fault("packages are 1 to \(Self.members) names with lists of versions", node)
                }
                return try stride(from: 0, to: wanted.count, by: Self.packagesOfQuery).map { start in
                    let some = Array(wanted[start..<min(start + Self.packagesOfQuery, wanted.count)])
                    guard let filter = IndicatorFilter.packages(some, ecosystem: ecosystem) else {
                        throw fault("packages are of npm or pypi", node)
                    }
                    return try make(
                        "a bad version was fetched or listed", filter, weight ?? .proof, fetch: true,
                        ["\(ecosystem)-fetches"])
                }
            }
        }
        if node["purls"] != nil {
            return [
                try make(
                    "a bad version was fetched or listed", IndicatorFilter.purls(try list("purls", node)),
                    weight ?? .proof, fetch: true)
            ]
        }
        if node["files"] != nil {
            return [
                try make(
                    "a bad file was fetched", IndicatorFilter.files(try list("files", node)), weight ?? .proof,
                    fetch: true)
            ]
        }
        if let action = node["action"]?.text {
            return [
                try make(
                    "a job ran \(action) by a tag or branch", IndicatorFilter.action(action), weight ?? .proof,
                    ["github-jobs"])
            ]
        }
        if node["repositories"] != nil {
            return [
                try make(
                    "a repository of that name appeared", IndicatorFilter.repositories(try list("repositories", node)),
                    weight ?? .proof)
            ]
        }
        if node["digests"] != nil {
            let digests = try list("digests", node)
            let field = IndicatorFilter.digests(digests)
            let words = IndicatorFilter.words(digests.map { String($0.split(separator: ":").last ?? "") })
            return [
                try make("a bad file by its digest", field, weight ?? .proof, ["digests"]),
                try make("the digest of a bad file in a text", "\(words) -\(field)", .hint),
            ]
        }
        for (key, title) in [
            ("commits", "the bad commit"), ("hosts", "the attacker's host"), ("texts", "a telling text"),
        ]
        where node[key] != nil {
            let values = try list(key, node)
            let words = IndicatorFilter.words(values)
            let usual = key == "commits" ? ["github-jobs", "ci-logs"] : ["egress", "ci-logs"]
            let places = (named.isEmpty ? usual : named).compactMap { channels[$0]?.filter }
            let anywhere = IndicatorFilter.wordsAnywhere(values)
            guard !places.isEmpty else { return [try make(title, anywhere, weight ?? .hint)] }
            let place = IndicatorFilter.anyOf(places.map { "(\($0))" })
            return [
                try make("\(title) in the events of jobs and networks", "\(words) \(place)", weight ?? .proof, usual),
                try make("\(title) in other events", "\(anywhere) -\(place)", .hint, usual),
            ]
        }
        if let query = node["query"]?.text {
            try check(query, node)
            return [try make("events of the incident", "(\(query))", weight ?? .proof)]
        }
        throw fault(
            "an indicator is one of packages, purls, files, action, repositories, digests, commits, hosts, texts, query",
            node)
    }

    private func weight(_ node: RuleNode) throws -> IncidentIndicator.Weight? {
        guard let text = node["weight"]?.text else { return nil }
        guard let weight = IncidentIndicator.Weight(rawValue: text) else {
            throw fault("weight is proof or hint", node)
        }
        return weight
    }

    /// - Throws: ``DetectionError`` when the filter is no query, or has stages or a time of its own.
    private func check(_ filter: String, _ node: RuleNode) throws {
        do {
            let query = try Query(parsing: filter, now: Timestamp(nanoseconds: 0))
            guard query.stages.isEmpty else { throw fault("a filter has no stages", node) }
        } catch let error as QueryError {
            throw fault("\(error)", node)
        }
    }

    // MARK: Values

    private func fault(_ reason: String, _ node: RuleNode) -> DetectionError {
        DetectionError(.invalidIncident, reason, file: file, line: node.line)
    }

    private func text(_ key: String, _ node: RuleNode) throws -> String {
        guard let text = node[key]?.text, !text.isEmpty else { throw fault("\(key) is missing or no text", node) }
        return text
    }

    private func time(_ key: String, _ node: RuleNode) throws -> Timestamp {
        guard let time = Timestamp(parsing: try text(key, node)) else { throw fault("\(key) is no time", node) }
        return time
    }

    private func list(_ key: String, _ node: RuleNode) throws -> [String] {
        let values = try texts(key, node)
        guard !values.isEmpty, values.count <= Self.members else {
            throw fault("\(key) is a list of 1 to \(Self.members)", node)
        }
        return values
    }

    /// A list of texts, or one alone; empty when the key is not there.
    private func texts(_ key: String, _ node: RuleNode) throws -> [String] { try node[key].map(texts) ?? [] }

    private func texts(_ node: RuleNode) throws -> [String] {
        try (node.sequence ?? [node]).map { member in
            guard let text = member.text, !text.isEmpty else { throw fault("a text is missing", member) }
            return text
        }
    }
}
