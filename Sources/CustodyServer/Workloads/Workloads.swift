import Delivery
import EventModel
import GRDB
import Identity
import Logging
import Synchronization

/// Puts together what judges workloads' tokens.
enum Workloads {
    /// - Parameter fetch: Nil reads over HTTP, behind the guard of destinations.
    static func open(
        database: any DatabaseWriter, box: SecretBox, destinationGuard: DestinationGuard, fetch: KeySets.Fetch?,
        logger: Logger, now: @escaping @Sendable () -> Timestamp
    ) throws -> WorkloadIdentities {
        let reader = GuardedReader(destinationGuard: destinationGuard)
        let counters = WorkloadCounters()
        let keySets = KeySets(
            counters: counters, now: now,
            fetch: fetch ?? { try await reader.read($0, limit: $1, timeout: KeySetLimits.timeout) },
            onFailure: { logger.warning("keys of an issuer cannot be read", metadata: ["reason": "\($0)"]) })
        return WorkloadIdentities(
            bindings: try WorkloadBindingStore(database: database), used: UsedTokenStore(database: database),
            keySets: keySets, counters: counters, box: box, now: now)
    }
}

extension WorkloadIdentities {
    /// What became of tokens, over all and by binding.
    ///
    /// Names of bindings are the operator's, and there is a bound on them.
    var samples: [ServerMetrics.Sample] {
        var samples: [ServerMetrics.Sample] = [
            .init(
                .counter, "custody_identity_accepted_total", "Requests with a good token of a workload.",
                counters.accepted),
            .init(
                .counter, "custody_identity_refused_total", "Tokens of workloads that were not taken.",
                counters.refused),
            .init(
                .counter, "custody_identity_replayed_total", "Tokens of workloads that were shown again.",
                counters.replayed),
            .init(.counter, "custody_identity_key_fetches_total", "Key sets asked for.", counters.keyFetches),
            .init(
                .counter, "custody_identity_key_failures_total", "Key sets that could not be read.",
                counters.keyFailures),
            .init(
                .gauge, "custody_identity_used_tokens", "Tokens that were used and have not expired.",
                Double(usedTokens)),
        ]
        for binding in bindings.list() {
            let tally = tally(of: binding.name)
            let label = [("binding", binding.name)]
            samples += [
                .init(
                    .counter, "custody_identity_binding_accepted_total", "Requests that a binding let in.",
                    Double(tally.accepted), labels: label),
                .init(
                    .counter, "custody_identity_binding_refused_total", "Tokens that a binding did not let in.",
                    Double(tally.refused), labels: label),
            ]
        }
        return samples
    }
}
