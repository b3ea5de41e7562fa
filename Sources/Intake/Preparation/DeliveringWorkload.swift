package import EventModel

/// The workload that sends a delivery, as its token says: sealed with every event, so that who reported something never rests on what
/// the payload says of it.
package struct DeliveringWorkload: Sendable {
    /// The name under which somebody bound it to its source.
    package var binding: String
    package var issuer: String
    package var subject: String
    /// The token's id.
    package var token: String?
    /// What the token says of the job that it was made for; empty for workloads that are no jobs.
    package var job: [(field: Field, value: String)]

    package init(
        binding: String, issuer: String, subject: String, token: String?, job: [(field: Field, value: String)]
    ) {
        self.binding = binding
        self.issuer = issuer
        self.subject = subject
        self.token = token
        self.job = job
    }

    /// The connector of what describes itself. All others read what somebody else recorded, of which the sender is not the subject.
    static let selfDescribed = "generic"
    static let prefix = "workload."
    /// How the warning ends that tells of a payload which contradicts the token.
    static let contradiction = "the token of its sender says otherwise"
    /// The fields that the claims of a job may fill, and those that go with them.
    package static let jobFields: [Field] = [
        .vcsRepo, .vcsRef, .vcsCommit, .ciSystem, .ciPipeline, .ciRun, .ciAttempt, .actorName, .actorID, .actorEmail,
        .actorCredential, .appEnv,
    ]

    /// Writes itself into an event.
    ///
    /// An event that says of itself that it is of a CI run speaks of the very job that sends it: then repository, commit, run and
    /// person are the token's, whatever the payload says of them, and a warning tells where the two differ.
    func mark(_ record: inout EventRecord) {
        removeClaims(from: &record)
        record.addExtension(Self.prefix + "issuer", issuer)
        record.addExtension(Self.prefix + "subject", subject)
        record.addExtension(Self.prefix + "binding", binding)
        if let token { record.addExtension(Self.prefix + "token", token) }
        guard !job.isEmpty, record.text(.sourceKind) == Self.selfDescribed,
            record.contains(.ciRun) || record.contains(.ciSystem)
        else { return }
        for (field, value) in job {
            if let told = record.text(field), told != value {
                record.warn("\(field.path): the payload says \(told), \(Self.contradiction)")
            }
            record.set(field, value)
        }
        // The address of a person whom the payload names goes with the name.
        record.remove(.actorEmail)
        if let token { record.set(.actorCredential, token) }
    }

    /// What a connector filled in under these names is no token's word.
    private func removeClaims(from record: inout EventRecord) {
        let texts = (0..<record.count(of: .ext)).compactMap { record.text(.ext, element: $0) }
        guard texts.contains(where: { $0.hasPrefix(Self.prefix) }) else { return }
        record.removeList(.ext)
        for text in texts where !text.hasPrefix(Self.prefix) { record.append(.ext, text) }
    }
}
