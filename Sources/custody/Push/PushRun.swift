import DurableFiles
import EventModel
import NIOHTTP1

/// One push: first what waits in the spool, then the input, two requests at a time.
struct PushRun {
    /// Requests in flight: while one waits for its durable answer, the next is on its way.
    static let parallelRequests = 2
    /// How long a server that went away is left alone while input keeps coming.
    static let probeNanoseconds: Int64 = 5_000_000_000

    private struct Result: Sendable {
        let batch: PushBatch
        let spooled: Spool.Entry?
        let outcome: PushSender.Outcome
    }

    let sender: PushSender
    let lane: InputLane
    /// Nil with `--no-spool`.
    let spool: Spool?
    let receipts: ReceiptFile?
    let context: CommandContext
    /// Told the numbers of entries (``PushBatch/Origin/numbers``) once they are acknowledged, spooled or refused: whoever made
    /// them need not remember them any more.
    var onKept: (([Int]) -> Void)?
    private(set) var totals = PushTotals()
    /// Since when and why nothing is sent; then everything goes to the spool.
    private var away: (since: Timestamp, failure: CommandFailure)?
    /// Set once the server has refused everything; nothing more is sent.
    private var denial: CommandFailure?
    /// Halves of batches that were too large, to be sent next, the last one first.
    private var halves: [(PushBatch, Spool.Entry?)] = []
    /// Entries that came through a pipe and are neither sent nor kept.
    private var lost = 0
    private var lastProgress = Timestamp(rawValue: 0)

    init(sender: PushSender, lane: InputLane, spool: Spool?, receipts: ReceiptFile?, context: CommandContext) {
        self.sender = sender
        self.lane = lane
        self.spool = spool
        self.receipts = receipts
        self.context = context
    }

    /// Sends everything.
    ///
    /// - Throws: ``CommandFailure``: `refused` when entries were refused, `denied`, and `unreachable` when something could
    ///   be neither sent nor spooled.
    mutating func run() async throws {
        try await resume()
        let input = lane
        try await deliver { try await input.next().map { ($0, nil) } }
        if denial != nil { try await keepInput() }
        clearProgress()
        if let denial { throw lost == 0 ? denial : Self.losing(lost, denial) }
    }

    /// After a denial: what a pipe has brought exists nowhere else, so it goes to the spool, up to the pipe's end or its
    /// next silence. Files stay where they are and are not read further.
    private mutating func keepInput() async throws {
        guard try lane.keepPipes() else { return }
        if spool != nil { context.console.note("note: denied; what the pipe still brings goes to the spool") }
        while let batch = try await lane.next() { try keepUnsent(batch) }
    }

    private static func losing(_ entries: Int, _ failure: CommandFailure) -> CommandFailure {
        CommandFailure(
            failure.code,
            (failure.reason ?? "denied")
                + "; \(PushTotals.grouped(entries)) that were read from the pipe are neither sent nor kept")
    }

    /// Sends what waits in the spool, oldest first.
    private mutating func resume() async throws {
        guard let spool, away == nil else { return }
        let waiting: [Spool.Entry]
        let lock: DirectoryLock?
        do {
            guard try !spool.pending().isEmpty else { return }
            lock = try spool.lock()
            guard lock != nil else {
                return context.console.note("note: another push is sending what waits in \(spool.directory)")
            }
            // Looked at again under the lock: another push may have sent some.
            waiting = try spool.pending()
        } catch {
            throw CommandFailure(.unreachable, "the spool cannot be read: \(error)")
        }
        var rest = waiting[...]
        try await deliver {
            guard let entry = rest.popFirst() else { return nil }
            return (try spool.batch(entry), entry)
        }
        withExtendedLifetime(lock) {}
    }

    /// Takes batches from `next` until there are no more, keeping two in flight.
    private mutating func deliver(
        _ next: () async throws -> (PushBatch, Spool.Entry?)?
    ) async throws {
        let sender = sender
        try await withThrowingTaskGroup(of: Result.self) { group in
            var inFlight = 0
            while denial == nil {
                var following = halves.popLast()
                if following == nil { following = try await next() }
                guard let (batch, entry) = following else {
                    // What is still on its way may come back in halves.
                    guard inFlight > 0, let result = try await group.next() else { break }
                    inFlight -= 1
                    try settle(result)
                    continue
                }
                if away != nil {
                    // What waits already keeps waiting.
                    if entry != nil { break }
                    if try await hasReturned() { try await resume() }
                    if away != nil {
                        try keep(batch)
                        continue
                    }
                }
                if inFlight == Self.parallelRequests, let result = try await group.next() {
                    inFlight -= 1
                    try settle(result)
                    if away != nil, entry == nil {
                        try keep(batch)
                        continue
                    }
                    if away != nil || denial != nil {
                        if entry == nil { try keepUnsent(batch) }
                        break
                    }
                }
                inFlight += 1
                group.addTask { Result(batch: batch, spooled: entry, outcome: await sender.send(batch)) }
            }
            while let result = try await group.next() { try settle(result) }
            for (batch, entry) in halves where entry == nil { try keepUnsent(batch) }
            halves = []
        }
    }

    /// Asks a server that went away again, but not all the time; then what was spooled meanwhile goes first.
    private mutating func hasReturned() async throws -> Bool {
        guard let since = away?.since, spool != nil else { return false }
        guard context.now().nanoseconds - since.nanoseconds >= Self.probeNanoseconds else { return false }
        let health = try? await sender.client.send(.get, "/healthz")
        guard health?.isSuccess == true else {
            let now = context.now()
            away?.since = now
            return false
        }
        away = nil
        context.console.note("note: the server is back")
        return true
    }

    private mutating func settle(_ result: Result) throws {
        switch result.outcome {
        case .answered(let answer):
            totals.add(answer)
            if let entry = result.spooled {
                totals.resumed += answer.entries
                try spool?.remove(entry)
            }
            try receipts?.append(answer, key: result.batch.key)
            if result.spooled == nil { tellKept(result.batch) }
            clearProgress()
            for rejection in answer.rejected {
                let place = result.batch.place(of: rejection.position, answeredEntries: answer.entries)
                context.console.note("refused: \(place): \(rejection.reason)")
            }
            showProgress()
        case .away(let failure):
            if away == nil {
                clearProgress()
                if spool != nil { context.console.note("note: \(failure.reason ?? "the server is away"); spooling") }
                away = (context.now(), failure)
            }
            if result.spooled == nil { try keep(result.batch) }
        case .refused(let failure):
            totals.rejected += result.batch.entries
            clearProgress()
            try tellRefused(result, failure)
        case .tooLarge(let failure):
            guard let (first, second) = result.batch.halves() else {
                totals.rejected += result.batch.entries
                clearProgress()
                return try tellRefused(result, failure)
            }
            guard let entry = result.spooled, let spool else {
                halves += [(second, nil), (first, nil)]
                return
            }
            // Both halves are kept before the whole is forgotten; should both be found later, their keys tell.
            let entries = (try spool.add(first), try spool.add(second))
            halves += [(second, entries.1), (first, entries.0)]
            try spool.remove(entry)
        case .denied(let failure):
            denial = denial ?? failure
            if result.spooled == nil { try keepUnsent(result.batch) }
        }
    }

    private func tellKept(_ batch: PushBatch) {
        if let onKept, let origin = batch.origin { onKept(origin.numbers) }
    }

    private func tellRefused(_ result: Result, _ failure: CommandFailure) throws {
        defer { if result.spooled == nil { tellKept(result.batch) } }
        let reason = failure.reason ?? "refused"
        if let entry = result.spooled, let spool {
            context.console.note("refused: a spooled batch, now \(try spool.setAside(entry)): \(reason)")
        } else if let origin = result.batch.origin, let first = origin.numbers.first, let last = origin.numbers.last {
            let range = first == last ? "\(origin.unit) \(first)" : "\(origin.unit) \(first) to \(last)"
            var place = ""
            if !origin.canBeReadAgain, let spool {
                place = ", now \(try spool.setAside(spool.add(result.batch)))"
            }
            context.console.note("refused: \(origin.file): \(range)\(place): \(reason)")
        }
    }

    /// What becomes of a batch that is not sent because the server is away, or has denied it.
    private mutating func keepUnsent(_ batch: PushBatch) throws {
        guard denial != nil else { return try keep(batch) }
        guard batch.origin?.canBeReadAgain == false else { return }
        if spool == nil { lost += batch.entries } else { try keep(batch) }
    }

    /// Spools a batch.
    private mutating func keep(_ batch: PushBatch) throws {
        guard let spool else {
            let place = batch.origin.flatMap { origin in
                origin.numbers.first.map { ", before \(origin.file): \(origin.unit) \($0)" }
            }
            let reason = away?.failure.reason ?? "the server is away"
            throw CommandFailure(.unreachable, "\(reason); \(totals.summary)\(place ?? "")")
        }
        try spool.add(batch)
        totals.spooled += batch.entries
        tellKept(batch)
    }

    // MARK: Progress

    private mutating func showProgress() {
        guard context.console.showsProgress else { return }
        let now = context.now()
        guard now.nanoseconds - lastProgress.nanoseconds >= 200_000_000 else { return }
        lastProgress = now
        context.console.writeError(Array("\r\u{1B}[K\(totals.summary)".utf8))
    }

    private func clearProgress() {
        if context.console.showsProgress, lastProgress.rawValue != 0 {
            context.console.writeError(Array("\r\u{1B}[K".utf8))
        }
    }
}
