import AccessControl
import EventModel
import Intake
import Ledger
import Logging

/// Tells what was found of sources: makes each finding an event of the source `custody`, exactly once.
struct FindingWork: Sendable {
    /// How long a finding waits at most.
    static let interval = Duration.milliseconds(500)
    /// Findings that are committed together.
    static let batch = 256

    let state: ServerState

    /// Runs until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.interval)
            guard state.completeness.takeWhetherFindingsWait() else { continue }
            do {
                try await tell()
            } catch is CancellationError {
                // They wait in the database for the next start.
                return
            } catch {
                state.completeness.findingsAreThere()
                state.logger.error("what was found of sources is not told yet", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Tells all that waits. Each has an id of its own, so that one that was told before a crash is a duplicate after it.
    func tell() async throws {
        while true {
            let waiting = try await state.completeness.waitingFindings(limit: Self.batch)
            guard let last = waiting.last else { return }
            for (_, finding) in waiting { try await state.audit.recordDurably(AuditEntry(finding)) }
            try await state.completeness.removeFindings(through: last.number)
        }
    }
}

extension AuditEntry {
    init(_ finding: CompletenessFinding) {
        let action: String
        var reason: String?
        var details: [(String, String)] = []
        var isGap = false
        func numbers(_ partition: String, _ first: Int64, _ last: Int64) {
            if !partition.isEmpty { details.append(("partition", partition)) }
            details += [("first", String(first)), ("last", String(last))]
        }
        switch finding.kind {
        case .quiet(let last, let every):
            action = "source.quiet"
            reason = "nothing came for more than \(every) seconds in which something is expected"
            details = [("every_seconds", String(every))]
            if let last { details.append(("last", Timestamp(rawValue: last).text)) }
        case .resumed(let since):
            action = "source.resume"
            details = [("quiet_since", Timestamp(rawValue: since).text)]
        case .gap(let partition, let first, let last):
            action = "source.gap"
            isGap = true
            reason = first == last ? "the number \(first) is missing" : "the numbers \(first) to \(last) are missing"
            numbers(partition, first, last)
        case .filled(let partition, let first, let last):
            action = "source.fill"
            reason =
                first == last ? "the number \(first) came after all" : "what was missing up to \(last) came after all"
            numbers(partition, first, last)
        case .restarted(let partition, let last, let at):
            action = "source.gap"
            isGap = true
            reason = "after the number \(last) the source began again at \(at): what is missing between cannot be told"
            if !partition.isEmpty { details.append(("partition", partition)) }
            details += [("last", String(last)), ("restarted_at", String(at))]
        }
        let isGood = action == "source.resume" || action == "source.fill"
        self.init(
            action, activity: "other", outcome: isGood ? "success" : "failure", reason: reason, actor: .system,
            resource: ("source", finding.source), details: details)
        deliveryID = finding.id
        leaf = isGap ? .sourceGap : .event
    }
}
