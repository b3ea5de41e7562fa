import Connectors
import EventModel
import Foundation
import HTTPTypes
import Identity
import Intake

/// A test delivery to a source: what its provider would send, with a proof made from the source's own secret, through the same
/// checks as any other. It is sealed like any other, too: by an actor called `custody-test`.
struct SourceTest {
    let state: ServerState
    private var requests: DeliveryRequests { DeliveryRequests(state: state) }

    init(state: ServerState) { self.state = state }

    /// - Throws: ``Problem`` 422 for a kind of source that has no test delivery, 403 when the source is disabled.
    func send(to source: Source, by context: CustodyRequestContext) async throws -> DeliveryAttempt {
        _ = try requests.hookSource(named: source.name)
        let now = state.now()
        let id = UUID().uuidString.lowercased()
        guard var delivery = ConnectGuide.of(source).delivery(for: source, id: id, now: now) else {
            throw Problem(
                .unprocessableContent, "no_test_delivery",
                "there is no test delivery for \(source.connector): do something harmless at the provider instead")
        }
        var isProven = false
        if let secret = source.secret, let connector = try? state.catalogue.connector(named: source.connector) {
            isProven = try connector.prove(&delivery, secret: Array(secret.utf8), now: now)
        }
        let client = context.clientAddress
        let verification: Verification
        do {
            // Without a secret it comes with a token, here that of who asked for the test.
            (verification, _) = try await requests.authenticate(
                delivery, source, principal: isProven ? nil : context.principal, now: now)
        } catch {
            let attempt = DeliveryAttempt(received: now, client: client, bytes: delivery.body.count, refused: error)
            state.note(attempt, source: source.name)
            return attempt
        }
        let result: Result<IntakeAnswer, any Error>
        do {
            let from = try requests.deliverySource(source, verified: verification)
            result = .success(try await requests.submit(delivery, from: from, deliveryID: nil, client: client))
        } catch {
            result = .failure(error)
        }
        return DeliveryAttempt(delivery, verified: verification, client: client, result)
    }
}
