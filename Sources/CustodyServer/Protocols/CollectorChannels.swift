import Synchronization

/// The acknowledgement ids that Splunk's collector hands out, channel by channel.
///
/// An id is handed out only when its events are durable, so every id that was handed out is acknowledged, and a counter is all
/// there is to remember. It is forgotten with the process, or when the channel is the one unused longest of too many: its
/// ids then count as not acknowledged, and the sender sends again.
final class CollectorChannels: Sendable {
    /// Senders use a channel each; this many cost about 2 MiB.
    static let maximumChannels = 10_000
    /// Ids that one request may ask about.
    static let maximumQuestions = 10_000

    private struct Channel {
        var next: UInt64 = 0
        var used: UInt64 = 0
    }
    private struct State {
        var channels: [String: Channel] = [:]
        var clock: UInt64 = 0
    }
    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int = CollectorChannels.maximumChannels) { self.limit = limit }

    /// A new id, for events that are durable. The first of a channel is 0.
    func acknowledgement(in channel: String) -> UInt64 {
        state.withLock { state in
            state.clock += 1
            if state.channels[channel] == nil, state.channels.count >= limit,
                let oldest = state.channels.min(by: { $0.value.used < $1.value.used })
            {
                state.channels[oldest.key] = nil
            }
            var known = state.channels[channel] ?? Channel()
            defer { state.channels[channel] = known }
            known.used = state.clock
            known.next += 1
            return known.next - 1
        }
    }

    /// Which of some ids were handed out in a channel.
    func areAcknowledged(_ ids: [UInt64], in channel: String) -> [Bool] {
        state.withLock { state in
            state.clock += 1
            state.channels[channel]?.used = state.clock
            let next = state.channels[channel]?.next ?? 0
            return ids.map { $0 < next }
        }
    }
}
