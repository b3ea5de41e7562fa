import Delivery
import Detection
import EventModel
import EventStore
import Identity
import Intake
import Ledger

extension ServerState {
    /// Registers what the modules count for themselves.
    func collectMetrics(detection: DetectionCounters, notifications: Outbox) {
        metrics.collect { [verification] in verification.samples }
        metrics.collect { [syslogCounters] in syslogCounters.samples }
        metrics.collect { [connectors] in connectors.samples }
        metrics.collect { [enrichment] in enrichment.samples }
        metrics.collect { [renormalisations] in renormalisations.samples }
        metrics.collect { [exposure] in exposure.samples }
        metrics.collect { [memoryReturn] in memoryReturn.samples }
        metrics.collect { [workloads] in workloads.samples }
        metrics.collect { [completeness, sources] in completeness.samples(of: sources.list()) }
        metrics.collect { [self, intake, storeView, records, views, ledger, tail, alerts, engine] in
            let memory = engine.usage
            let counters = intake.committer.counters
            let store = storeView.counters
            let searches = self.store.load
            let end = intake.committer.end.rawValue
            var samples: [ServerMetrics.Sample] = [
                .init(.counter, "custody_events_accepted_total", "Events committed.", counters.accepted),
                .init(
                    .counter, "custody_events_duplicate_total", "Events answered with an original.", counters.duplicates
                ),
                .init(
                    .counter, "custody_events_conflicting_total", "Delivery ids used for other bytes.",
                    counters.conflicts),
                .init(.counter, "custody_entries_rejected_total", "Entries refused.", counters.rejected),
                .init(
                    .counter, "custody_secrets_redacted_total", "Secrets taken out of payloads.", counters.redactions),
                .init(.counter, "custody_commit_groups_total", "Group commits.", counters.groups),
                .init(.counter, "custody_commit_failures_total", "Group commits that failed.", counters.failedGroups),
                .init(
                    .gauge, "custody_intake_unfinished_bytes", "Bytes admitted and not yet indexed.",
                    Double(intake.admission.usedBytes)),
                .init(
                    .gauge, "custody_intake_budget_bytes",
                    "Bytes that may be unfinished: what the views give back in half a second, at saturation.",
                    Double(intake.admission.budgetBytes)),
                .init(
                    .gauge, "custody_intake_waiting", "Deliveries that wait to be admitted.",
                    Double(intake.admission.waitingCount)),
                .init(
                    .gauge, "custody_deduplication_keys", "Delivery keys in memory.", Double(intake.committer.keyCount)),
                .init(.gauge, "custody_ledger_size", "Leaves under the latest checkpoint.", Double(ledger.size)),
                .init(.gauge, "custody_leaf_index_next", "The index of the next event.", Double(end)),
                .init(
                    .gauge, "custody_recovery_remaining",
                    "Events of the journal that a view has yet to read again after the start; searches wait meanwhile.",
                    Double(self.recovery.remaining)),
                .init(.gauge, "custody_store_rows", "Searchable events.", Double(store.rows)),
                .init(.gauge, "custody_store_bytes", "Bytes of segment files.", Double(store.bytes)),
                .init(.gauge, "custody_store_segments", "Segment files.", Double(store.segments)),
                .init(
                    .gauge, "custody_store_quarantined", "Damaged segments kept from search.", Double(store.quarantined)
                ),
                .init(
                    .counter, "custody_store_failures_total", "Segments that could not be written.",
                    Double(store.failures)),
                .init(.gauge, "custody_searches_running", "Searches that take turns.", Double(searches.running)),
                .init(.gauge, "custody_searches_waiting", "Searches that wait to begin.", Double(searches.waiting)),
                .init(
                    .gauge, "custody_search_bytes", "Memory that searches hold, as estimated.",
                    Double(searches.heldBytes)),
                .init(
                    .counter, "custody_detection_evaluated_total", "Events judged by the rules.", detection.evaluated),
                .init(.counter, "custody_detection_matches_total", "Matches of rules.", detection.matched),
                .init(
                    .gauge, "custody_detection_state_entries", "Groups and subjects that rules remember.",
                    Double(memory.entries)),
                .init(.gauge, "custody_detection_state_bytes", "Bytes of what rules remember.", Double(memory.bytes)),
                .init(
                    .counter, "custody_detection_evictions_total", "What rules had to forget for want of room.",
                    Double(memory.evictions)),
                .init(
                    .gauge, "custody_detection_rules_saturated",
                    "Rules whose memory is full, so that they forget what they still need.", Double(memory.saturated)),
                .init(.gauge, "custody_tail_followers", "Open live tails.", Double(tail.count)),
                .init(.gauge, "custody_sessions", "Browsers signed in.", Double(sessions.list(now: now()).count)),
            ]
            samples += Self.samples(of: notifications) + Self.samples(of: alerts)
            samples += publicationSamples + Self.samples(of: records.history, storeView)
            for view in views {
                let lag = end - min(end, view.cursor.rawValue)
                samples.append(
                    .init(
                        .gauge, "custody_view_\(view.name)_lag", "Events the view \(view.name) is behind.", Double(lag))
                )
            }
            return samples
        }
    }

    private static func samples(
        of history: AuthorityHistory, _ store: StoreSnapshots
    ) -> [ServerMetrics.Sample] {
        let unsealed = store.segments().filter { $0.isFile && history.seals[$0.name]?.checksum != $0.checksumText }
        return [
            .init(.gauge, "custody_segments_unsealed", "Segment files without a seal yet.", Double(unsealed.count)),
            .init(
                .counter, "custody_store_rewrites_total", "Segment files rewritten or removed by a destruction.",
                Double(store.counters.rewrites)),
            .init(.gauge, "custody_holds", "Legal holds in force.", Double(history.activeHolds.count)),
            .init(
                .gauge, "custody_record_objections", "Records without the authority that they claim.",
                Double(history.objections.count)),
        ]
    }

    private static func samples(of outbox: Outbox) -> [ServerMetrics.Sample] {
        let counters = outbox.counters
        var samples: [ServerMetrics.Sample] = [
            .init(
                .counter, "custody_notifications_delivered_total", "Notifications that a receiver took.",
                counters.delivered),
            .init(
                .counter, "custody_notifications_retried_total", "Attempts that will be made again.", counters.retried),
            .init(.counter, "custody_notifications_failed_total", "Notifications given up.", counters.failed),
            .init(
                .counter, "custody_notifications_dropped_total", "Notifications for which the outbox had no room.",
                counters.dropped),
            .init(
                .counter, "custody_notifications_silenced_total", "Changes of alerts that a silence kept back.",
                counters.silenced),
        ]
        // A database that cannot be read shows in the log and in the counters that do not move.
        guard let census = try? outbox.census() else { return samples }
        samples += [
            .init(
                .gauge, "custody_notifications_pending", "Notifications that wait.",
                Double(census.pending.values.reduce(0, +))),
            .init(
                .gauge, "custody_notifications_dead", "Notifications given up that can be sent again.",
                Double(census.failed.values.reduce(0, +))),
            .init(
                .gauge, "custody_notification_groups", "Incidents that wait for the time of their next notification.",
                Double(census.groups)),
        ]
        return samples
    }

    private static func samples(of alerts: AlertStore) -> [ServerMetrics.Sample] {
        guard let census = try? alerts.census() else { return [] }
        var samples: [ServerMetrics.Sample] = [
            .init(.gauge, "custody_signals", "Signals recorded.", Double(census.signals)),
            .init(
                .gauge, "custody_incidents_open", "Incidents with an alert that is not closed.",
                Double(census.incidents)),
            .init(.gauge, "custody_silences_active", "Silences in force.", Double(census.silences)),
        ]
        for severity in Severity.allCases {
            samples.append(
                .init(
                    .gauge, "custody_alerts_open_\(severity.rawValue)", "Alerts of this severity that are not closed.",
                    Double(census.open[severity] ?? 0)))
        }
        return samples
    }

    /// How publication, the witnesses, the copies of the checkpoint and the own witness do.
    private var publicationSamples: [ServerMetrics.Sample] {
        let witnesses = cosigning?.statuses ?? []
        var stopped = 0.0
        if case .refused = publication.hindrance { stopped = 1 }
        return [
            .init(
                .gauge, "custody_publication_lag_seconds", "Since when leaves wait for a published checkpoint.",
                Double(publication.lag(at: .now).components.seconds)),
            .init(
                .gauge, "custody_publication_stopped", "1 while the signer's guard refuses to sign.", stopped),
            .init(.gauge, "custody_witnesses", "Witnesses that are asked.", Double(witnesses.count)),
            .init(
                .gauge, "custody_witnesses_failing", "Witnesses that did not cosign when asked last.",
                Double(witnesses.count { $0.failure != nil })),
            .init(
                .gauge, "custody_checkpoint_copies_failing", "Places that did not get the last checkpoint.",
                Double(copies.statuses.count { $0.failure != nil })),
            .init(
                .counter, "custody_checkpoint_copy_failures_total", "Copies of the checkpoint that failed.",
                Double(copies.statuses.map(\.failures).reduce(0, +))),
            .init(
                .counter, "custody_witness_cosigned_total", "Checkpoints of others that this server cosigned.",
                Double(witnessCounters.count(200))),
            .init(
                .counter, "custody_witness_refused_total", "Checkpoints of others that this server did not cosign.",
                Double(witnessCounters.refusals)),
        ]
    }
}

extension VerificationStatus {
    /// What runs in the background, and what it found last.
    fileprivate var samples: [ServerMetrics.Sample] {
        let (runs, newsRuns, failures) = totals
        var samples: [ServerMetrics.Sample] = [
            .init(
                .counter, "custody_verification_runs_total", "Verifications of everything that came to an end.",
                Double(runs)),
            .init(
                .counter, "custody_verification_news_runs_total", "Verifications of what was new that came to an end.",
                Double(newsRuns)),
            .init(
                .counter, "custody_verification_failures_total", "Verifications that found something wrong.",
                Double(failures)),
            .init(
                .gauge, "custody_verification_running", "Whether a verification runs now.", running == nil ? 0 : 1),
        ]
        if let last {
            samples += [
                .init(
                    .gauge, "custody_verification_last_timestamp_seconds", "When the last verification ended.",
                    Double(last.time.seconds)),
                .init(
                    .gauge, "custody_verification_intact", "Whether the last verification found nothing wrong.",
                    last.fault == nil ? 1 : 0),
                .init(
                    .gauge, "custody_verification_verified_leaves", "Leaves that the last verification verified.",
                    Double(last.counts.verified)),
            ]
        }
        return samples
    }
}
