import AccessControl
import Delivery
import HTTPTypes

/// What people do with destinations and with what waits for them: for the routes and the pages. Each act is on record.
struct DestinationChanges {
    let state: ServerState

    /// - Throws: ``DeliveryError`` when the settings are not usable or the name is taken; 403.
    func add(_ wanted: DestinationSettings, _ context: CustodyRequestContext) async throws -> DestinationStore.Entry {
        try Authorizer.check(.changeConfiguration, for: context.requirePrincipal(), now: state.now())
        let entry = try state.notifications.destinations.add(wanted, now: state.now())
        let destination = entry.destination
        try await state.audit.recordDurably(
            state.auditEntry(
                "destination.add", activity: "create", context, resource: ("destination", destination.name),
                details: [("kind", destination.kind.rawValue), ("address", destination.address)]))
        return entry
    }

    /// - Throws: ``DeliveryError`` when there is none, or the configuration file names it; 403.
    func remove(_ name: String, _ context: CustodyRequestContext) async throws {
        try Authorizer.check(.changeConfiguration, for: context.requirePrincipal(), now: state.now())
        try state.notifications.destinations.remove(name)
        try await state.audit.recordDurably(
            state.auditEntry("destination.remove", activity: "delete", context, resource: ("destination", name)))
    }

    /// Sends one message that says it is a test.
    ///
    /// - Returns: why it was not taken; nil when it was.
    /// - Throws: ``DeliveryError`` when there is no such destination; 403.
    func test(_ name: String, _ context: CustodyRequestContext) async throws -> DeliveryError? {
        try Authorizer.check(.changeConfiguration, for: context.requirePrincipal(), now: state.now())
        let destination = try state.notifications.destinations.entry(named: name).destination
        var failure: DeliveryError?
        do {
            try await state.notifications.worker.test(destination)
        } catch let error as DeliveryError {
            failure = error
        }
        try await state.audit.recordDurably(
            state.auditEntry(
                "destination.test", activity: "execute", context, resource: ("destination", name),
                outcome: failure == nil ? "success" : "failure"))
        return failure
    }

    /// Lets a message that was given up try again, now.
    ///
    /// - Throws: ``DeliveryError`` when no such message has failed; 403.
    func resend(_ id: String, _ context: CustodyRequestContext) async throws {
        try Authorizer.check(.triageAlerts, for: context.requirePrincipal(), now: state.now())
        try state.notifications.outbox.retry(id)
        try await state.audit.recordDurably(
            state.auditEntry("notification.resend", activity: "execute", context, resource: ("notification", id)))
    }

    /// Lets all that was given up try again. Returns how many messages.
    ///
    /// - Throws: ``DeliveryError`` when there is no such destination; 403.
    func resendAll(to name: String, _ context: CustodyRequestContext) async throws -> Int {
        try Authorizer.check(.triageAlerts, for: context.requirePrincipal(), now: state.now())
        _ = try state.notifications.destinations.entry(named: name)
        let count = try state.notifications.outbox.retryAll(to: name)
        try await state.audit.recordDurably(
            state.auditEntry(
                "notification.resend", activity: "execute", context, resource: ("destination", name),
                details: [("messages", String(count))]))
        return count
    }
}
