package import EventModel

/// A supply-chain incident that became public, and what it would have left in somebody's events.
package struct KnownIncident: Sendable {
    /// When the bad thing could be had: from its first moment up to, not including, the one at which it was gone.
    package struct Window: Hashable, Sendable {
        package let from: Timestamp
        package let until: Timestamp

        package init(from: Timestamp, until: Timestamp) {
            self.from = from
            self.until = until
        }
    }

    /// As it is named in requests and on record: `tj-actions-2025`.
    package let id: String
    package let title: String
    package let summary: String
    package let exposure: Window
    /// Identifiers of advisories: CVE, GHSA.
    package let references: [String]
    /// Where the indicators come from, as URLs.
    package let sources: [String]
    package let indicators: [IncidentIndicator]
    /// Why finding none of the indicators is no answer; nil when they are all there are.
    package let partial: String?
    /// What to do when the answer is yes.
    package let remedy: String
    /// The file, as it was named to the loader.
    package let file: String
}

/// Something to look for, and what finding it means.
package struct IncidentIndicator: Sendable {
    package enum Weight: String, Sendable {
        /// An event that has it answers the question with yes.
        case proof
        /// An event that has it has to be looked at: it may speak of the incident, or be another thing of the same name.
        case hint
    }

    /// When an event that has it counts.
    package enum Period: String, Sendable {
        /// Only while the bad thing could be had: a version tag that was moved is harmless before and after.
        case exposure
        /// From then on, without an end: caches and lock files keep a bad version.
        case since
    }

    /// In a few words, for people.
    package let title: String
    /// The filter in the query language.
    package let filter: String
    package let weight: Weight
    package let period: Period
    /// Whether an event with a refusal or a failure does not count: who was not given a package does not have it. A job that
    /// failed has run all the same.
    package let ignoresRefused: Bool
    /// The channels in which it would have been seen.
    package let channels: [String]
}

/// A kind of events in which indicators show, by which is judged what was covered.
package struct EvidenceChannel: Sendable {
    package let name: String
    package let title: String
    /// Which events belong to it, in the query language.
    package let filter: String
    /// The connectors whose sources bring such events.
    package let connect: [String]
    /// What the channel cannot show; said beside each answer that rests on it.
    package let limit: String
    /// Whether what is not there, while the channel was alive, did not happen in its reach. From other channels no "no" follows.
    package let isConclusive: Bool
}
