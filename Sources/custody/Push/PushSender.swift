import EventModel
import NIOHTTP1

/// Sends single batches and decides what an answer means.
struct PushSender: Sendable {
    /// What became of a batch.
    enum Outcome: Sendable {
        case answered(PushAnswer)
        /// The server cannot take it now.
        case away(CommandFailure)
        /// The server will not take this batch.
        case refused(CommandFailure)
        /// The server, or a proxy before it, will not take so much at once.
        case tooLarge(CommandFailure)
        /// The server will take nothing like it: no right, or no such source.
        case denied(CommandFailure)
    }

    /// Attempts at a server that does not answer; a restart takes about as long.
    static let attempts = 3
    static let firstDelay = Duration.milliseconds(250)
    /// A server that asks to wait is waited for, this long at a time and this long in all.
    static let longestDelay = Duration.seconds(30)
    static let patience = Duration.seconds(60)

    let client: ServerClient
    let source: String?
    /// Whether the ledger's signed receipts are asked for.
    let wantsReceipts: Bool
    let sleep: @Sendable (Duration) async throws -> Void

    /// Sends a batch, again and again within bounds.
    func send(_ batch: PushBatch) async -> Outcome {
        var waited = Duration.zero
        var delay = Self.firstDelay
        var failures = 0
        while true {
            let failure: CommandFailure
            var wait = delay
            do {
                let answer = try await client.send(
                    .post, "/v1/events", query: query,
                    headers: [("Content-Type", batch.form.contentType), ("Idempotency-Key", batch.key)],
                    body: batch.body)
                if let outcome = outcome(answer) { return outcome }
                failure = client.failure(answer)
                if let seconds = answer.retryAfter { wait = .seconds(max(seconds, 0)) }
                if !answer.isBusy || answer.retryAfter == nil { failures += 1 }
            } catch {
                failure = CommandFailure(error)
                // No session for this workload, and no other attempt would have one.
                if failure.code == .denied || failure.code == .refused { return .denied(failure) }
                failures += 1
            }
            wait = min(wait, Self.longestDelay)
            guard failures < Self.attempts, waited + wait <= Self.patience, (try? await sleep(wait)) != nil else {
                return .away(failure)
            }
            waited += wait
            delay = min(delay * 4, Self.longestDelay)
        }
    }

    private var query: [(String, String)] {
        (source.map { [("source", $0)] } ?? []) + (wantsReceipts ? [("receipt", "true")] : [])
    }

    /// Nil when the same request may succeed later.
    private func outcome(_ answer: ServerAnswer) -> Outcome? {
        switch answer.status {
        case 200..<300:
            guard let read = PushAnswer(answer.body) else { return .denied(answer.failure(of: client.address)) }
            return .answered(read)
        case 401, 403, 404, 300..<400: return .denied(client.failure(answer))
        case 413: return .tooLarge(client.failure(answer))
        case 400..<500 where answer.status != 429 && answer.status != 408: return .refused(client.failure(answer))
        default: return nil
        }
    }
}

/// The server's answer to a batch.
struct PushAnswer: Equatable, Sendable {
    struct Rejection: Equatable, Sendable {
        let position: Int
        let reason: String
    }

    var accepted: Int
    var duplicates: Int
    var rejected: [Rejection]
    var firstIndex: Int?
    var lastIndex: Int?
    /// The ledger's signed receipt for the events that were new.
    var receipt: String?

    /// Nil for what is no such answer.
    init?(_ body: [UInt8]) {
        let read = try? JSONDocument.read(body) { json -> PushAnswer? in
            guard let accepted = json["accepted"]?.int64 else { return nil }
            return PushAnswer(
                accepted: Int(accepted), duplicates: json["duplicates"]?.int64.map(Int.init) ?? 0,
                rejected: json["rejected"]?.elements.map {
                    Rejection(position: $0["position"]?.int64.map(Int.init) ?? 0, reason: $0.text("reason"))
                } ?? [],
                firstIndex: json["first_index"]?.int64.map(Int.init),
                lastIndex: json["last_index"]?.int64.map(Int.init),
                receipt: json["receipt"]?.string?.text)
        }
        guard let answer = read ?? nil else { return nil }
        self = answer
    }

    init(
        accepted: Int, duplicates: Int, rejected: [Rejection], firstIndex: Int?, lastIndex: Int?,
        receipt: String? = nil
    ) {
        self.accepted = accepted
        self.duplicates = duplicates
        self.rejected = rejected
        self.firstIndex = firstIndex
        self.lastIndex = lastIndex
        self.receipt = receipt
    }

    /// Entries that were answered for, whatever the answer.
    var entries: Int { accepted + duplicates + rejected.count }
}
