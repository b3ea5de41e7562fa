/// What a field's text means, for ranges, sorting and aggregates.
package enum FieldType: Sendable {
    case text, time, integer, address
}

/// What the rest of the program needs to know of a field.
package struct FieldDescription: Sendable {
    /// The dotted name, as people type it and as the JSON form nests it.
    package let path: String
    package let group: FieldGroup
    package let type: FieldType
    /// Whether an event can have several: members of `targets[]`, `artifact[]`, `client.chain[]` and so on.
    package let isList: Bool

    init(_ path: String, _ group: FieldGroup, _ type: FieldType, isList: Bool = false) {
        self.path = path
        self.group = group
        self.type = type
        self.isList = isList
    }
}

extension Field {
    package var path: String { description.path }
    package var isList: Bool { description.isList }

    // Sealing asks at every entry: in tables of their own, where no text has to be retained beside them.
    package var group: FieldGroup { Self.groups[Int(rawValue)] }
    package var type: FieldType { Self.types[Int(rawValue)] }

    /// The field of a dotted path, or nil. `ext.KEY` is not a field of its own: see ``Field/ext``.
    package init?(path: String) {
        guard let field = Self.byPath[path] else { return nil }
        self = field
    }

    /// Every field that belongs to a group, in ascending order of number.
    package static func members(of group: FieldGroup) -> [Field] { allCases.filter { $0.group == group } }

    private static let byPath = Dictionary(uniqueKeysWithValues: allCases.map { ($0.path, $0) })

    private static let table: [FieldDescription?] = {
        var table = [FieldDescription?](repeating: nil, count: 256)
        for field in allCases { table[Int(field.rawValue)] = describe(field) }
        return table
    }()

    private static let groups = table.map { $0?.group ?? .text }
    private static let types = table.map { $0?.type ?? .text }

    package var description: FieldDescription { Self.table[Int(rawValue)]! }

    private static func describe(_ field: Field) -> FieldDescription {
        switch field {
        case .schema: FieldDescription("schema", .envelope, .text)
        case .id: FieldDescription("id", .envelope, .text)
        case .time: FieldDescription("time", .envelope, .time)
        case .timeBasis: FieldDescription("time_basis", .envelope, .text)
        case .received: FieldDescription("received", .envelope, .time)
        case .sourceName: FieldDescription("source.name", .envelope, .text)
        case .sourceKind: FieldDescription("source.kind", .envelope, .text)
        case .sourceInstance: FieldDescription("source.instance", .envelope, .text)
        case .sourceEventType: FieldDescription("source.event_type", .envelope, .text)
        case .sourceDelivery: FieldDescription("source.delivery", .envelope, .text)
        case .sourceVerified: FieldDescription("source.verified", .envelope, .text)
        case .action: FieldDescription("action", .envelope, .text)
        case .activity: FieldDescription("activity", .envelope, .text)
        case .category: FieldDescription("category", .envelope, .text)
        case .outcome: FieldDescription("outcome", .envelope, .text)
        case .outcomeCode: FieldDescription("outcome_code", .envelope, .text)
        case .payloadSHA256: FieldDescription("payload.sha256", .envelope, .text)
        case .payloadType: FieldDescription("payload.type", .envelope, .text)
        case .payloadSize: FieldDescription("payload.size", .envelope, .integer)
        case .payloadPart: FieldDescription("payload.part", .envelope, .text)
        case .normVersion: FieldDescription("norm.version", .envelope, .text)
        case .normOverlay: FieldDescription("norm.overlay", .envelope, .text)
        case .actorID: FieldDescription("actor.id", .actor, .text)
        case .actorName: FieldDescription("actor.name", .actor, .text)
        case .actorEmail: FieldDescription("actor.email", .actor, .text)
        case .actorType: FieldDescription("actor.type", .actor, .text)
        case .actorVia: FieldDescription("actor.via", .actor, .text)
        case .actorCredential: FieldDescription("actor.credential", .actor, .text)
        case .clientIP: FieldDescription("client.ip", .network, .address)
        case .clientPort: FieldDescription("client.port", .network, .integer)
        case .clientChain: FieldDescription("client.chain", .network, .address, isList: true)
        case .clientAgent: FieldDescription("client.agent", .network, .text)
        case .clientName: FieldDescription("client.name", .network, .text)
        case .resourceType: FieldDescription("resource.type", .resource, .text)
        case .resourceID: FieldDescription("resource.id", .resource, .text)
        case .resourceName: FieldDescription("resource.name", .resource, .text)
        case .resourceParent: FieldDescription("resource.parent", .resource, .text)
        case .resourceURL: FieldDescription("resource.url", .resource, .text)
        case .targetsType: FieldDescription("targets.type", .resource, .text, isList: true)
        case .targetsID: FieldDescription("targets.id", .resource, .text, isList: true)
        case .targetsName: FieldDescription("targets.name", .resource, .text, isList: true)
        case .targetsParent: FieldDescription("targets.parent", .resource, .text, isList: true)
        case .targetsURL: FieldDescription("targets.url", .resource, .text, isList: true)
        case .appName: FieldDescription("app.name", .resource, .text)
        case .appVersion: FieldDescription("app.version", .resource, .text)
        case .appEnv: FieldDescription("app.env", .resource, .text)
        case .apiProtocol: FieldDescription("api.protocol", .resource, .text)
        case .apiMethod: FieldDescription("api.method", .resource, .text)
        case .apiPath: FieldDescription("api.path", .resource, .text)
        case .apiOperation: FieldDescription("api.operation", .resource, .text)
        case .apiStatus: FieldDescription("api.status", .resource, .integer)
        case .apiVersion: FieldDescription("api.version", .resource, .text)
        case .apiRequestID: FieldDescription("api.request_id", .resource, .text)
        case .apiDuration: FieldDescription("api.duration_ms", .resource, .integer)
        case .artifactName: FieldDescription("artifact.name", .resource, .text, isList: true)
        case .artifactPURL: FieldDescription("artifact.purl", .resource, .text, isList: true)
        case .artifactDigest: FieldDescription("artifact.digest", .resource, .text, isList: true)
        case .artifactTag: FieldDescription("artifact.tag", .resource, .text, isList: true)
        case .artifactMediaType: FieldDescription("artifact.media_type", .resource, .text, isList: true)
        case .artifactSize: FieldDescription("artifact.size", .resource, .integer, isList: true)
        case .vcsRepo: FieldDescription("vcs.repo", .resource, .text)
        case .vcsRef: FieldDescription("vcs.ref", .resource, .text)
        case .vcsCommit: FieldDescription("vcs.commit", .resource, .text)
        case .vcsBefore: FieldDescription("vcs.before", .resource, .text)
        case .vcsChange: FieldDescription("vcs.change", .resource, .text)
        case .ciSystem: FieldDescription("ci.system", .resource, .text)
        case .ciPipeline: FieldDescription("ci.pipeline", .resource, .text)
        case .ciRun: FieldDescription("ci.run", .resource, .text)
        case .ciAttempt: FieldDescription("ci.attempt", .resource, .text)
        case .ciJob: FieldDescription("ci.job", .resource, .text)
        case .ciRunner: FieldDescription("ci.runner", .resource, .text)
        case .corrTrace: FieldDescription("corr.trace", .resource, .text)
        case .corrSpan: FieldDescription("corr.span", .resource, .text)
        case .corrRequest: FieldDescription("corr.request", .resource, .text)
        case .corrSession: FieldDescription("corr.session", .resource, .text)
        case .corrChain: FieldDescription("corr.chain", .resource, .text)
        case .corrLinks: FieldDescription("corr.links", .resource, .text, isList: true)
        case .outcomeReason: FieldDescription("outcome_reason", .text, .text)
        case .normWarnings: FieldDescription("norm.warnings", .text, .text, isList: true)
        case .ext: FieldDescription("ext", .text, .text, isList: true)
        }
    }
}
