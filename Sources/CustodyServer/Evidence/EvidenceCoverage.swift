import EventModel

/// What an evidence pack does not hold, as whoever exported it states: part of the pack, under its signature.
struct EvidenceCoverage: Sendable {
    /// Indexes of destroyed events that are listed; how many there are is always told.
    static let listedIndexes = 1_000
    /// Sources that are listed.
    static let listedSources = 1_000

    struct SourceCoverage: Sendable {
        let name: String
        let events: Int64
        let first: String
        let last: String
    }

    /// The period that was looked at; nil where it is open.
    var since: Timestamp?
    var until: Timestamp?
    /// Leaves under the checkpoint.
    var checkpointSize: UInt64 = 0
    /// Hits that no checkpoint covered yet; they are not in the pack.
    var uncovered = 0
    /// Whether the pack ended at its limit although there are more hits.
    var isTruncated = false
    /// Whether the exporter may see only some of the events, so that others may match.
    var isRestricted = false
    /// Whether events of the source `custody` were left out because the query does not name it.
    var leavesOutOwnAudit = false
    /// Field groups that the exporter may not see or did not want to disclose.
    var withheld: [FieldGroup] = []
    /// Hits whose payloads or salts are destroyed in part or as a whole.
    private(set) var destroyedCount = 0
    private(set) var destroyed: [UInt64] = []
    /// What each source has in the period, as far as the exporter may see; nil when that could not be counted.
    var sources: [SourceCoverage]?
    /// Configured sources without any event in the period.
    var silent: [String] = []

    mutating func noteDestroyed(_ index: UInt64) {
        destroyedCount += 1
        if destroyed.count < Self.listedIndexes { destroyed.append(index) }
    }

    func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("since", since?.text)
            json.member("until", until?.text)
            json.member("checkpoint_size", Int64(clamping: checkpointSize))
            json.member("not_under_checkpoint", Int64(uncovered))
            json.member("truncated", isTruncated)
            json.member("restricted", isRestricted)
            json.member("own_audit_left_out", leavesOutOwnAudit)
            json.member("withheld_groups") { $0.array { json in for group in withheld { json.value(group.name) } } }
            json.member("destroyed", Int64(destroyedCount))
            json.member("destroyed_indexes") { json in
                json.array { json in for index in destroyed { json.value(Int64(clamping: index)) } }
            }
            if let sources {
                json.member("sources") { json in
                    json.array { json in
                        for source in sources {
                            json.object { json in
                                json.member("name", source.name)
                                json.member("events", source.events)
                                json.member("first", source.first)
                                json.member("last", source.last)
                            }
                        }
                    }
                }
            }
            json.member("silent_sources") { $0.array { json in for name in silent { json.value(name) } } }
        }
    }
}
