import Synchronization

/// What the syslog listeners have done since the start; shown as metrics.
final class SyslogCounters: Sendable {
    /// Open connections, over all listeners.
    let connections = Atomic<Int>(0)
    let messages = Atomic<Int>(0)
    /// Messages of peers that may not send, or for sources that are disabled.
    let refused = Atomic<Int>(0)
    let cut = Atomic<Int>(0)
    /// Times that intake was full and a sender had to wait.
    let waits = Atomic<Int>(0)
    /// Connections beyond the limit, or that broke TLS or the framing.
    let closed = Atomic<Int>(0)

    var samples: [ServerMetrics.Sample] {
        [
            .init(
                .gauge, "custody_syslog_connections", "Open syslog connections.",
                Double(connections.load(ordering: .relaxed))),
            .init(.counter, "custody_syslog_messages_total", "Syslog messages taken.", messages),
            .init(
                .counter, "custody_syslog_refused_total", "Syslog messages of peers or for sources that may not.",
                refused),
            .init(.counter, "custody_syslog_cut_total", "Syslog messages that were too long.", cut),
            .init(.counter, "custody_syslog_waits_total", "Times that a syslog sender waited for intake.", waits),
            .init(.counter, "custody_syslog_closed_total", "Syslog connections that were refused or failed.", closed),
        ]
    }
}
