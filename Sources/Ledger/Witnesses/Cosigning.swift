internal import Synchronization

/// Has all witnesses of a policy cosign the log's checkpoints, each in a task of its own.
///
/// There is one checkpoint at a time that cosignatures are sought for; a witness that failed is asked again after a pause that
/// doubles up to ``Limits/longestPause``, always for the checkpoint that is sought then. What the ledger publishes waits for
/// ``Outcome/isQuorum``; nothing else waits for anything here.
package final class Cosigning: Sendable {
    /// The bounds of what is asked.
    package struct Limits: Sendable {
        /// How long an answer is waited for.
        package var timeout = Duration.seconds(10)
        /// The pause after a first failure.
        package var shortestPause = Duration.milliseconds(500)
        /// The longest pause: a witness that is back is noticed within this.
        package var longestPause = Duration.seconds(30)
        /// How long the others are waited for when the quorum is there: their cosignatures are worth having too.
        package var grace = Duration.milliseconds(300)

        package init() {}
    }

    /// How a witness does.
    package struct Status: Sendable {
        /// Its name in the policy.
        package let name: String
        package let url: String
        /// The largest size that it has cosigned, and when, in seconds since 1970; 0 before the first.
        package internal(set) var size: UInt64 = 0
        package internal(set) var time: UInt64 = 0
        /// Why it has not cosigned the last time; `nil` when it has.
        package internal(set) var failure: WitnessFailure?
        /// Failures one after the other.
        package internal(set) var failures = 0
    }

    /// What was gathered for a checkpoint.
    package struct Outcome: Sendable {
        package let signatures: [SignedNote.Signature]
        /// Whether they are enough for the policy.
        package let isQuorum: Bool
        /// Whether nobody is left to wait for.
        package let isComplete: Bool
    }

    private struct Target {
        let number: Int
        let signed: SignedCheckpoint
        let proofs: LedgerProofs
    }

    private struct State {
        var target: Target?
        var signatures: [Int: SignedNote.Signature] = [:]
        /// Witnesses that failed for this target at least once.
        var failed: Set<Int> = []
        var statuses: [Int: Status] = [:]
        var tasks: [Task<Void, Never>] = []
        var wakeups: [AsyncStream<Void>.Continuation] = []
    }

    package let policy: WitnessPolicy
    package let limits: Limits
    private let transport: any WitnessTransport
    private let sleep: @Sendable (Duration) async throws -> Void
    private let state: Mutex<State>

    /// - Parameter sleep: waits between attempts.
    /// - Throws: ``LedgerError/Code/malformed`` when the policy's quorum needs witnesses that cannot be asked, for want of a
    ///   URL or of a key that is known.
    package init(
        _ policy: WitnessPolicy, transport: any WitnessTransport, limits: Limits = Limits(),
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) throws {
        self.policy = policy
        self.limits = limits
        self.transport = transport
        self.sleep = sleep
        var statuses: [Int: Status] = [:]
        for (index, witness) in policy.witnesses.enumerated() where witness.key != nil {
            if let url = witness.url { statuses[index] = Status(name: witness.name, url: url) }
        }
        guard policy.isSatisfied(by: Set(statuses.keys)) else {
            throw LedgerError(
                .malformed, "the policy's quorum needs witnesses without a URL, or with a key that is not Ed25519")
        }
        state = Mutex(State(statuses: statuses))
    }

    /// How each witness that is asked does, in the policy's order.
    package var statuses: [Status] {
        state.withLock { state in state.statuses.sorted { $0.key < $1.key }.map(\.value) }
    }

    /// Begins to ask. Until ``stop()``.
    package func start() {
        state.withLock { state in
            guard state.tasks.isEmpty else { return }
            for (index, status) in state.statuses {
                guard let key = policy.witnesses[index].key else { continue }
                let (stream, continuation) = AsyncStream.makeStream(
                    of: Void.self, bufferingPolicy: .bufferingNewest(1))
                let client = WitnessClient(
                    prefix: status.url, key: key, transport: transport, timeout: limits.timeout)
                state.wakeups.append(continuation)
                state.tasks.append(Task { await self.run(index, client, stream) })
            }
            for wakeup in state.wakeups { wakeup.yield() }
        }
    }

    /// Asks no more.
    package func stop() {
        state.withLock { state in
            for task in state.tasks { task.cancel() }
            for wakeup in state.wakeups { wakeup.finish() }
            state.tasks = []
            state.wakeups = []
        }
    }

    /// Seeks cosignatures for this checkpoint from now on.
    package func seek(_ signed: SignedCheckpoint, proofs: LedgerProofs) {
        state.withLock { state in
            state.target = Target(number: (state.target?.number ?? 0) + 1, signed: signed, proofs: proofs)
            state.signatures = [:]
            state.failed = []
            for wakeup in state.wakeups { wakeup.yield() }
        }
    }

    /// What has come for the checkpoint that is sought.
    package var outcome: Outcome {
        state.withLock { state in
            Outcome(
                signatures: state.signatures.sorted { $0.key < $1.key }.map(\.value),
                isQuorum: policy.isSatisfied(by: Set(state.signatures.keys)),
                isComplete: state.statuses.keys.allSatisfy {
                    state.signatures[$0] != nil || state.failed.contains($0)
                })
        }
    }

    private func run(_ index: Int, _ client: WitnessClient, _ wakeups: AsyncStream<Void>) async {
        var client = client
        var done = 0
        var pause = limits.shortestPause
        for await _ in wakeups {
            while !Task.isCancelled, let target = state.withLock({ $0.target }), target.number != done {
                do {
                    let signature = try await client.cosign(target.signed) {
                        try target.proofs.consistency(from: $0, to: target.signed.checkpoint.size)
                    }
                    note(signature, of: index, for: target)
                    done = target.number
                    pause = limits.shortestPause
                } catch {
                    guard !Task.isCancelled else { return }
                    note(error as? WitnessFailure ?? WitnessFailure(.badAnswer, "\(error)"), of: index, for: target)
                    guard (try? await sleep(pause)) != nil else { return }
                    pause = min(pause * 2, limits.longestPause)
                }
            }
        }
    }

    private func note(_ signature: SignedNote.Signature, of index: Int, for target: Target) {
        state.withLock { state in
            state.statuses[index]?.size = target.signed.checkpoint.size
            state.statuses[index]?.time = Cosignature(signature.bytes)?.time ?? 0
            state.statuses[index]?.failure = nil
            state.statuses[index]?.failures = 0
            if state.target?.number == target.number { state.signatures[index] = signature }
        }
    }

    private func note(_ failure: WitnessFailure, of index: Int, for target: Target) {
        state.withLock { state in
            state.statuses[index]?.failure = failure
            state.statuses[index]?.failures += 1
            if state.target?.number == target.number { state.failed.insert(index) }
        }
    }
}
