package import EventModel

/// The short names that people type (contract, "Queries"). Names that are canonical fields themselves (`time`, `action`,
/// `outcome`, `category`) are ``FieldReference/field(_:)``; `user` is read as `actor` and `created` as `time`.
package enum Alias: String, CaseIterable, Hashable, Sendable {
    case actor, ip, resource, source, repo, ref, commit, artifact, pipeline, run, job, env, version, agent, api
    case session, request

    /// The fields in which a value is looked for; one match suffices.
    package var searched: [Field] {
        switch self {
        case .actor: [.actorName, .actorID, .actorEmail]
        case .ip: [.clientIP, .clientChain]
        case .resource: [.resourceName, .resourceID, .targetsName, .targetsID]
        case .source: [.sourceName, .sourceKind]
        case .repo: [.vcsRepo]
        case .ref: [.vcsRef]
        case .commit: [.vcsCommit]
        case .artifact: [.artifactDigest, .artifactPURL, .artifactName]
        case .pipeline: [.ciPipeline]
        case .run: [.ciRun]
        case .job: [.ciJob]
        case .env: [.appEnv]
        case .version: [.appVersion]
        case .agent: [.clientAgent]
        case .api: [.apiOperation, .apiPath, .apiMethod]
        case .session: [.corrSession]
        case .request: [.corrRequest, .apiRequestID]
        }
    }

    /// The fields of which the first that is present gives the one value shown, grouped and sorted by; of a field with
    /// several values, the first.
    package var output: [Field] {
        switch self {
        case .ip: [.clientIP]
        case .resource: [.resourceName, .resourceID]
        case .source: [.sourceKind]
        default: searched
        }
    }
}
