import AccessControl
import Connectors
import EventModel
import HTTPTypes
import Identity

/// What a system needs to send to a source: made by Custody, shown once, kept as the source's secret or as a token's digest.
struct MadeCredential: Sendable {
    var secret: String?
    var token: String?
}

/// Makes a source together with what its system needs, for somebody who connects it step by step.
struct SourceConnection {
    let state: ServerState

    /// - Parameter connector: For a guide that leaves it open; else the guide's own.
    /// - Throws: ``IdentityError`` for a name that is taken or is none; ``Problem`` 403.
    func make(
        _ guide: ConnectGuide, name: String, connector: String?, _ context: CustodyRequestContext
    ) async throws -> (source: Source, made: MadeCredential) {
        try Authorizer.check(.changeConfiguration, for: context.requirePrincipal(), now: state.now())
        let connector = guide.isOpen ? connector ?? guide.connector : guide.connector
        if connector != SourceStore.automatic { _ = try state.catalogue.connector(named: connector) }
        let secret = guide.credential == .secret ? state.sources.newSecret() : nil
        let source = try state.sources.add(
            name: name, connector: connector, secret: secret, retentionClass: RetentionClass.standard, now: state.now())
        try await state.audit.recordDurably(
            state.auditEntry(
                "source.add", activity: "create", context, resource: ("source", name),
                details: [("connector", connector), ("guide", guide.id)]))
        let token = guide.credential == .token ? try await self.token(for: source, context) : nil
        return (source, MadeCredential(secret: secret, token: token))
    }

    /// Makes a new secret or token for a source whose first one was lost: a browser closed too early. A secret before it stays
    /// good for a day; tokens before it stay until they are revoked.
    func renew(
        _ source: Source, _ guide: ConnectGuide, _ context: CustodyRequestContext
    ) async throws -> MadeCredential {
        try Authorizer.check(.changeConfiguration, for: context.requirePrincipal(), now: state.now())
        switch guide.credential {
        case .none: return MadeCredential()
        case .token: return MadeCredential(token: try await token(for: source, context))
        case .secret:
            let secret = state.sources.newSecret()
            try state.sources.rotate(name: source.name, to: secret, now: state.now())
            try await state.audit.recordDurably(
                state.auditEntry("source.rotate", activity: "update", context, resource: ("source", source.name)))
            return MadeCredential(secret: secret)
        }
    }

    /// An ingest token for this source alone.
    private func token(for source: Source, _ context: CustodyRequestContext) async throws -> String {
        try Authorizer.check(.manageAccess, for: context.requirePrincipal(), now: state.now())
        let made = try state.tokens.create(
            name: source.name, scopes: [.ingest], sources: [source.name], expires: nil, now: state.now())
        try await state.audit.recordDurably(
            state.auditEntry(
                "token.create", activity: "create", context, resource: ("token", made.token.id),
                details: [("name", made.token.name), ("scopes", "ingest")]))
        return made.text
    }
}
