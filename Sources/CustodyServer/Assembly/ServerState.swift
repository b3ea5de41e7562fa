import AccessControl
import Connectors
import Detection
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import Identity
import Intake
import Journal
import Ledger
import Logging

/// Everything that routes work with. Made once at start, shared by all requests.
struct ServerState: Sendable {
    let configuration: ServerConfiguration
    let now: @Sendable () -> Timestamp
    let logger: Logger
    let metrics: ServerMetrics
    let tokens: TokenStore
    /// The browsers that are signed in, and the link with which the first one gets in.
    let sessions: SessionStore
    let setUp: SetUpLink
    let pages = PageRenderer()
    let sources: SourceStore
    let workloads: WorkloadIdentities
    let credentialFailures: CredentialFailures
    let connectors: LiveConnectors
    let enrichment: LiveEnrichment
    let intake: IntakePipeline
    let quarantine: QuarantineStore
    let audit: AuditTrail
    let store: any EventSearching
    let storeView: StoreSnapshots
    let journal: JournalReader
    let ledger: LedgerReader
    let ledgerKey: LedgerKey
    let engine: DetectionEngine
    let alerts: AlertStore
    let notifications: Notifications
    let views: [ViewRunner]
    var recovery: Recovery
    let tail: TailHub
    let verification: VerificationStatus
    let publication: Publication
    /// The witnesses that are asked; nil without a policy.
    let cosigning: Cosigning?
    /// What this server is as a witness of others; nil when it is none.
    let witness: Witness?
    let witnessCounters: WitnessCounters
    let copies: CheckpointCopies
    /// Approvers, policies, holds, destructions and seals.
    let records: SystemLeaves
    let destruction: Destruction
    /// The reading again of what sources sent before.
    let renormalisations: Renormalisations
    let cursors: PullCursorStore
    let exposure: Exposure
    /// What this server is to its relays.
    let relayIdentity: @Sendable () throws -> RelayIdentity
    let github: GitHubConnections
    /// The acknowledgements of Splunk's collector.
    let collectorChannels = CollectorChannels()
    let syslogCounters = SyslogCounters()
    let activity = SourceActivity()
    let figures = SourceFigures()
    let memoryReturn: MemoryReturn
    let completeness: SourceCompleteness

    /// The connectors in force now. Ask once for what belongs together.
    var catalogue: ConnectorCatalogue { connectors.current }

    /// An entry about something that a caller does, with what the request tells.
    func auditEntry(
        _ action: String, activity: String, _ context: CustodyRequestContext, path: String? = nil,
        resource: (type: String, name: String?), outcome: String = "success", query: String? = nil,
        details: [(String, String)] = []
    ) -> AuditEntry {
        AuditEntry(
            action, activity: activity, outcome: outcome, actor: context.principal, client: context.clientAddress,
            resource: resource, path: path ?? context.endpointPath, requestID: context.id, query: query,
            details: details)
    }

    /// Notes what became of a delivery: for whoever connects its source, and for the counts of how complete that is.
    func note(_ attempt: DeliveryAttempt, source: String) {
        activity.note(attempt, source: source)
        completeness.note(attempt, source: source)
    }

    /// Puts a refusal on record, and counts a wrong credential against the client that presented it.
    func noteDenial(_ reason: String, _ method: HTTPRequest.Method, _ context: CustodyRequestContext) {
        if case .refused = context.credential { credentialFailures.note(client: context.clientAddress, now: now()) }
        // A refusal that cannot be put on record is still a refusal.
        try? audit.record(
            AuditEntry(
                "access.deny", activity: "deny", outcome: "denied", reason: reason, actor: context.principal,
                client: context.clientAddress, resource: ("route", context.endpointPath ?? "unknown"),
                method: method.rawValue, path: context.endpointPath, requestID: context.id,
                details: context.refusedWorkload?.details ?? []))
    }
}
