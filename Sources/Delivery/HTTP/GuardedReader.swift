package import Foundation
import NIOHTTP1

/// Reads what is at an address of the outside world that somebody else chose, under the same guard as notifications: no private
/// network but what the operator allows, no plain HTTP elsewhere, no redirects, bounded in bytes and time.
package struct GuardedReader: Sendable {
    private let destinationGuard: DestinationGuard

    package init(destinationGuard: DestinationGuard) { self.destinationGuard = destinationGuard }

    /// The body of a successful answer to a GET.
    ///
    /// - Throws: ``DeliveryError``.
    package func read(_ url: URL, limit: Int, timeout: Duration) async throws -> [UInt8] {
        let request = WebhookRequest(
            url: url, address: try await destinationGuard.vet(url), headers: [("User-Agent", "custody")], body: Data(),
            timeout: timeout, maximumAnswerBytes: limit)
        let (answer, body) = try await HTTPClientTransport().exchange(request, method: .GET)
        guard (200..<300).contains(answer.status) else {
            throw DeliveryError(.badAnswer, "the answer has the status \(answer.status)")
        }
        return body
    }
}
