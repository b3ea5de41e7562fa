package import Connectors
import EventModel

/// Fetches events from a place that does not send them: files, a bucket, an API.
///
/// An adapter knows one kind of place and nothing of intake. It is asked again and again for what comes behind a cursor. The rules that
/// make the whole lose nothing and double nothing, whenever the process is killed:
///
/// - **A cursor is saved only after what came before it is committed.** So a page may be fetched twice, and never too late.
/// - **Every event of a page has the same delivery id each time it is fetched**: its own, or one made of its place (a file's
///   identity and an offset, an object's key and version), in ``PullPage/deliveryID`` or in a frame. So what is fetched twice is
///   a duplicate and keeps its leaf index. The ids are remembered for seven days: a server that was killed between a commit and
///   the saving of its cursor has to be started again within them.
/// - **What is known to be lost is a gap**, which becomes a leaf before the cursor moves past it.
///
/// A pull that is cancelled has no effect.
package protocol PullAdapter: Sendable {
    /// Fetches a page.
    ///
    /// - Parameter cursor: What the last page said; nil at the very first.
    /// - Throws: ``PullError``; anything else counts as `unavailable`.
    func page(after cursor: PullCursor?) async throws -> PullPage
}

/// Where a pull goes on: text that only its adapter reads.
package struct PullCursor: Equatable, Sendable {
    /// A cursor is a row of the state database; what is longer was made by a mistake.
    package static let maximumBytes = 4 << 20

    package let text: String

    package init(_ text: String) { self.text = text }
}

/// What one pull brought.
package struct PullPage: Sendable {
    /// Nil when there was nothing new.
    package var delivery: Delivery?
    /// The delivery's id, for events that bring no id of their own; each is told from the others by its place in the delivery.
    package var deliveryID: String?
    /// Where the next pull goes on.
    package var cursor: PullCursor?
    /// Whether more is known to be there, so that the next pull need not wait.
    package var hasMore: Bool
    package var gaps: [PullGap]

    package init(
        delivery: Delivery? = nil, deliveryID: String? = nil, cursor: PullCursor?, hasMore: Bool = false,
        gaps: [PullGap] = []
    ) {
        self.delivery = delivery
        self.deliveryID = deliveryID
        self.cursor = cursor
        self.hasMore = hasMore
        self.gaps = gaps
    }
}

/// Something that was there, or may have been, and cannot be fetched any more.
package struct PullGap: Equatable, Sendable {
    /// The place: a file, a bucket, an address; never with a secret.
    package let place: String
    /// What is missing, and why that is known.
    package let reason: String

    package init(place: String, reason: String) {
        self.place = place
        self.reason = reason
    }
}

/// Why a page could not be fetched.
package struct PullError: Error, Equatable, Sendable {
    package enum Code: String, Sendable {
        /// The place asks for patience; ``PullError/retryAfterSeconds`` says for how much.
        case limited
        /// The place does not answer, or says that it is not well.
        case unavailable
        /// The credential is missing, wrong or not good for this.
        case denied
        /// What came is not what was asked for.
        case malformed
    }

    package let code: Code
    /// Lower case; holds no secret and nothing of a payload.
    package let reason: String
    package let retryAfterSeconds: Int64?

    package init(_ code: Code, _ reason: String, retryAfterSeconds: Int64? = nil) {
        self.code = code
        self.reason = reason
        self.retryAfterSeconds = retryAfterSeconds
    }
}

extension PullError: CustomStringConvertible {
    package var description: String { reason }
}
