import AccessControl
import Connectors
import EventModel
import HTTPTypes
import Hummingbird
import Identity
import Intake
import Journal
import Ledger

/// What the routes that take deliveries share: finding the source, reading the body, handing both to intake.
struct DeliveryRequests: Sendable {
    /// What a receipt promises. Checkpoints come about once a second; the rest is for a restart in between.
    static let maximumPublicationSeconds: UInt64 = 60

    let state: ServerState

    /// Does something with the source of a push by token.
    ///
    /// A name that does not exist is created for an admin and is 404 for any other. A creation is on record before the answer,
    /// also of a push that fails; but behind the events, which so have the indexes that a sender expects.
    func withSource<Result: Sendable>(
        named name: String, _ context: CustodyRequestContext, _ body: (Source) async throws -> Result
    ) async throws -> Result {
        let principal = try context.requirePrincipal()
        try Authorizer.checkIngest(as: name, for: principal, now: state.now())
        if let source = state.sources.source(named: name) {
            guard source.isEnabled else { throw Problem.forbidden("the source \(name) is disabled") }
            return try await usingToken(for: source, context) { try await body(source) }
        }
        guard principal.scopes.contains(.admin) else { throw Problem.notFound("there is no source \(name)") }
        let made: Source
        do {
            made = try state.sources.add(name: name, now: state.now())
        } catch let error as IdentityError where error.code == .alreadyExists {
            // Two first deliveries at once: the other one made it.
            guard let source = state.sources.source(named: name) else { throw error }
            return try await body(source)
        }
        let entry = state.auditEntry(
            "source.add", activity: "create", context, resource: ("source", name),
            details: [("connector", made.connector)])
        let result: Result
        do {
            result = try await body(made)
        } catch {
            try await state.audit.recordDurably(entry)
            throw error
        }
        try await state.audit.recordDurably(entry)
        return result
    }

    /// Does something for which a workload's token that is good once is used up; for all others just does it.
    ///
    /// When the server could not do it, the token is as good as before: the sender tries again with it.
    /// - Throws: ``AccessError`` `usedCredential`; what `body` throws.
    func usingToken<Result: Sendable>(
        for source: Source, _ context: CustodyRequestContext, _ body: () async throws -> Result
    ) async throws -> Result {
        guard let workload = context.workload else { return try await body() }
        try await state.workloads.use(workload, for: source.name)
        do {
            return try await body()
        } catch {
            let status = ProblemMapper.problem(for: error).status.code
            if status == 429 || status >= 500 { await state.workloads.release(workload) }
            throw error
        }
    }

    /// What intake needs of a source whose delivery came with a token: this server's, or a workload's, which says who sends.
    func pushSource(_ source: Source, _ context: CustodyRequestContext) throws -> DeliverySource {
        guard let workload = context.workload else { return try deliverySource(source, verified: .token) }
        var from = try deliverySource(source, verified: workload.isCertificate ? .mtls : .jwt)
        from.workload = workload.mark(for: source.name)
        from.kinds = Set(workload.grant(for: source.name)?.kinds ?? [])
        return from
    }

    /// The source that a request of a foreign protocol is for: the one it names, else the token's only one, else `auto`.
    func sourceName(_ request: Request, _ context: CustodyRequestContext) -> String {
        if let name = request.uri.queryParameters["source"] { return String(name) }
        guard let sources = context.principal?.ingestSources, sources.count == 1 else { return SourceStore.automatic }
        return sources.first ?? SourceStore.automatic
    }

    /// The source of a hook, whose delivery has yet to be authenticated.
    func hookSource(named name: String) throws -> Source {
        guard let source = state.sources.source(named: name) else {
            throw Problem.notFound("there is no source \(name)")
        }
        guard source.isEnabled else { throw Problem.forbidden("the source \(name) is disabled") }
        return source
    }

    /// How a hook's delivery proves where it comes from: the source's own secret in the provider's way, or a token that may
    /// ingest as this source (for senders that can set a header but sign nothing).
    ///
    /// - Parameter now: The time of receipt, by which signed times are judged.
    func authenticate(
        _ delivery: Delivery, _ source: Source, principal: Principal?, now: Timestamp
    ) async throws -> (Connectors.Verification, Connector?) {
        let connector =
            source.connector == SourceStore.automatic ? nil : try state.catalogue.connector(named: source.connector)
        if let principal {
            try Authorizer.checkIngest(as: source.name, for: principal, now: state.now())
            return (.token, connector)
        }
        // A source that takes anything checks the delivery in whatever way its headers offer.
        let candidates = connector.map { [$0] } ?? state.catalogue.connectors.filter(\.isAuthenticated)
        if let accepting = candidates.first(where: { $0.acceptsCertificate(of: delivery) }) {
            return (.mtls, accepting)
        }
        let secrets = source.secrets(at: now).map { Array($0.utf8) }
        guard !secrets.isEmpty else {
            throw Problem(
                .unauthorized, "unauthenticated", "the source has no secret and the delivery brought no token")
        }
        var credential = SourceCredential(secrets: secrets)
        do {
            credential.keySets = try await fetchedKeys(secrets, candidates, delivery)
            if let message = try TopicDeliveries(state: state).message(delivery, source) {
                let keys = try await state.workloads.keySets.keys(at: .certificate(message.certificate))
                credential.certificates = [(message.certificate, keys)]
            }
        } catch is KeySetFailure {
            // The delivery may be good: its sender has to try again.
            throw Problem(
                .serviceUnavailable, "identity_unavailable", "the keys of the sender cannot be read now",
                headers: [.retryAfter: "60"])
        }
        var refusal: (any Error)?
        for candidate in candidates {
            do {
                let verification = try candidate.authenticate(delivery, credential: credential, now: now)
                guard verification != .none else { continue }
                return (verification, candidate)
            } catch let error as ConnectorError {
                // The reason worth telling is that of the connector whose header was there.
                if refusal == nil || error.code != .unsigned { refusal = error }
            }
        }
        throw refusal ?? Problem(.unauthorized, "unsigned", "the delivery is not signed")
    }

    /// The key sets to which secrets point (`jwks_uri`).
    ///
    /// - Throws: ``KeySetFailure``.
    private func fetchedKeys(
        _ secrets: [[UInt8]], _ candidates: [Connector], _ delivery: Delivery
    ) async throws -> [VerifyingKeys] {
        var sets: [VerifyingKeys] = []
        for secret in secrets {
            guard let address = VerifyingKeys.address(in: secret) else { continue }
            let id = candidates.lazy.compactMap { $0.tokenKeyID(of: delivery) }.first
            let keys = try await state.workloads.keySets.keys(at: .url(address), for: id)
            if let set = VerifyingKeys(secret, fetched: keys) { sets.append(set) }
        }
        return sets
    }

    /// What intake needs of a source.
    func deliverySource(_ source: Source, verified: Connectors.Verification) throws -> DeliverySource {
        let connector =
            source.connector == SourceStore.automatic
            ? nil : try state.catalogue.connector(named: source.connector)
        return DeliverySource(
            origin: EventOrigin(
                name: source.name, retentionClass: source.retentionClass, verified: verified.rawValue),
            connector: connector, fingerprintKey: source.fingerprintKey)
    }

    /// Reads and unpacks the body.
    ///
    /// - Parameter ofAnyType: Whether the route decides itself which media types it takes.
    /// - Throws: ``Problem`` 400, 413 and 415.
    func delivery(_ request: Request, ofAnyType: Bool = false) async throws -> Delivery {
        let limit = state.configuration.intake.deliveryBytes
        if !ofAnyType { try Self.checkMediaType(request.headers[.contentType]) }
        let body = try ContentDecoding(limit: limit).decode(
            try await bytes(of: request, atMost: limit), encoding: request.headers[.contentEncoding])
        return Delivery(
            method: request.method.rawValue,
            headers: DeliveryHeaders(request.headers.map { ($0.name.rawName, $0.value) }), body: body,
            received: state.now())
    }

    /// Room that is made for a body before any of it has come, at most: more only as it comes.
    static let expectedBytes = 8 << 20

    /// The bytes of a body, in memory that an earlier one is done with where there is some.
    ///
    /// - Throws: ``Problem`` 413 for more than the limit, 400 for fewer than were announced.
    func bytes(of request: Request, atMost limit: Int) async throws -> [UInt8] {
        let tooLarge = Problem(.contentTooLarge, "too_large", "the body is larger than \(limit) bytes")
        let length = max(request.headers[.contentLength].flatMap(Int.init) ?? 0, 0)
        guard length <= limit else { throw tooLarge }
        var bytes = state.intake.bodyMemory.take(min(length, Self.expectedBytes))
        var isWhole = false
        defer { if !isWhole { state.intake.bodyMemory.give(bytes) } }
        do {
            for try await chunk in request.body {
                guard chunk.readableBytes <= limit - bytes.count else { throw tooLarge }
                bytes.append(contentsOf: chunk.readableBytesView)
            }
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem.badRequest("incomplete", "the body ended too early")
        }
        isWhole = true
        return bytes
    }

    /// Hands a delivery to intake, keeps what was refused in the quarantine, and notes both among the source's activity. Its body's
    /// memory serves the next then.
    func submit(
        _ delivery: Delivery, from source: DeliverySource, deliveryID: String?, client: String? = nil
    ) async throws -> IntakeAnswer {
        defer { state.intake.bodyMemory.give(delivery.body) }
        let name = source.origin.name
        let result: Result<IntakeAnswer, any Error>
        do {
            result = .success(
                try await state.intake.submit(
                    delivery, from: source, catalogue: state.catalogue, enrichment: state.enrichment.current,
                    deliveryID: deliveryID))
        } catch {
            result = .failure(error)
        }
        let verified = Verification(rawValue: source.origin.verified)
        state.note(DeliveryAttempt(delivery, verified: verified, client: client, result), source: name)
        let answer = try result.get()
        if !answer.rejected.isEmpty {
            try await state.quarantine.add(answer.rejected, source: name, now: delivery.received)
        }
        return answer
    }

    /// The ledger's signed promise for the events that were new; nil when there are none.
    ///
    /// They are durable, so the promise can be kept; the leaves are computed from what the journal holds. Cost: about 8 µs an event.
    func receipt(for answer: IntakeAnswer, _ delivery: Delivery) throws -> String? {
        guard answer.accepted > 0, let indexes = answer.indexes else { return nil }
        let range = indexes.lowerBound.rawValue..<indexes.upperBound.rawValue + 1
        var leaves: [TreeHash] = []
        for batch in try state.journal.records(in: range) {
            leaves += try CommittedBatch(replaying: batch, keyer: state.intake.keyer).entries.map(\.leafHash)
        }
        let receipt = Receipt(
            origin: state.ledgerKey.verifierKey.name, firstIndex: range.lowerBound, leafHashes: leaves,
            accepted: UInt64(clamping: delivery.received.milliseconds), maximumDelay: Self.maximumPublicationSeconds)
        return String(decoding: try receipt.signed(by: state.ledgerKey), as: UTF8.self)
    }

    /// The contract's answer to a push.
    func response(_ answer: IntakeAnswer, receipt: String? = nil) -> Response {
        var json = JSONWriter()
        json.object { json in
            json.member("accepted", Int64(answer.accepted))
            json.member("duplicates", Int64(answer.duplicates))
            json.member("rejected") { json in
                json.array { json in
                    for entry in answer.rejected {
                        json.object { json in
                            json.member("position", Int64(entry.position))
                            json.member("reason", entry.reason)
                        }
                    }
                }
            }
            if let indexes = answer.indexes {
                json.member("first_index", Int64(indexes.lowerBound.rawValue))
                json.member("last_index", Int64(indexes.upperBound.rawValue))
            }
            json.member("receipt", receipt)
        }
        return json.response()
    }

    /// JSON in its many spellings, text, and what curl sends when nobody says anything.
    private static func checkMediaType(_ header: String?) throws {
        guard let header, !header.isEmpty else { return }
        let type = header.prefix { $0 != ";" }.trimmingPrefix { $0 == " " }.lowercased()
        let isKnown =
            type.contains("json") || type.hasPrefix("text/") || type == "application/x-www-form-urlencoded"
            || type.hasPrefix("application/vnd.docker.distribution.events")
        guard isKnown else {
            throw Problem(
                .unsupportedMediaType, "unsupported_media_type", "events are sent as JSON, NDJSON or text",
                headers: [.accept: "application/json, application/x-ndjson, text/plain"])
        }
    }
}
