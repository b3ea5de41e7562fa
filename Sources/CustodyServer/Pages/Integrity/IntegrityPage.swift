import AccessControl
import EventModel
import HTTPTypes
import Hummingbird
import Intake
import Ledger
import SystemPackage

/// `/integrity`: how large the ledger is and how old its checkpoint, who has cosigned it, what the last verification found.
/// The script checks the ledger in the browser, with a key and a checkpoint that the browser remembers.
struct IntegrityPage {
    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/integrity", use: show)
    }

    @Sendable private func show(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try await state.page(request, context) { principal in
            try Authorizer.check(.search, for: principal, now: state.now())
            let now = state.now()
            return Page(
                title: "Integrity", place: .integrity, template: "integrity",
                data: .of([
                    "origin": state.ledgerKey.verifierKey.name, "vkey": state.ledgerKey.verifierKey.description,
                    "size": PageNumber.text(state.ledger.size),
                    "publication": publication, "witnesses": witnesses(now),
                    "has_witnesses": state.cosigning == nil ? nil : true,
                    "verification": state.verification.last.map { Self.data($0, now) },
                    "news": state.verification.lastNews.map { Self.data($0, now) },
                    "running": state.verification.running.map { PageData.time($0, now: now) },
                    "is_never": state.configuration.verificationInterval == 0 ? true : nil,
                    "copies": state.copies.statuses.map { copy -> PageData in
                        .of([
                            "target": copy.target, "size": PageNumber.text(copy.size), "failure": copy.failure,
                        ])
                    },
                    "has_copies": state.copies.statuses.isEmpty ? nil : true,
                    "data_directory": state.configuration.dataDirectory.string,
                ]), scripts: ["integrity.js"])
        }
    }

    /// How publication stands, in words.
    private var publication: PageData {
        let end = state.intake.committer.end.rawValue
        let waiting = end - min(end, state.ledger.size)
        let seconds = state.publication.lag(at: .now).components.seconds
        switch state.publication.hindrance {
        case nil:
            return [
                "text": waiting == 0
                    ? "The checkpoint covers every event."
                    : "\(PageTime.count(Int64(clamping: waiting), "event")) of the last \(PageTime.duration(max(1, seconds))) wait for the next checkpoint, which comes every second."
            ]
        case .quorum(let missing):
            return [
                "text":
                    "\(PageTime.count(Int64(clamping: waiting), "event")) wait for witnesses: \(missing.isEmpty ? "they have not answered yet" : missing).",
                "is_late": true,
            ]
        case .refused(let error):
            return ["text": "Publication has stopped: \(error.reason).", "is_stopped": true]
        }
    }

    private func witnesses(_ now: Timestamp) -> [PageData] {
        (state.cosigning?.statuses ?? []).map { witness in
            .of([
                "name": witness.name, "size": PageNumber.text(witness.size),
                "lag": PageNumber.text(state.ledger.size - min(state.ledger.size, witness.size)),
                "time": witness.time > 0 ? PageData.time(Timestamp(seconds: Int64(witness.time)), now: now) : nil,
                "failure": witness.failure.map { $0.reason },
            ])
        }
    }

    private static func data(_ outcome: VerificationStatus.Outcome, _ now: Timestamp) -> PageData {
        let counts = outcome.counts
        let rows: [(label: String, count: UInt64, isBad: Bool)] = [
            ("verified", counts.verified, false), ("lawfully destroyed", counts.lawfullyDestroyed, false),
            ("destroyed without authority", counts.destroyedWithoutAuthority, true), ("missing", counts.missing, true),
            ("altered", counts.altered, true),
        ]
        return .of([
            "time": PageData.time(outcome.time, now: now), "fault": outcome.fault,
            "took": PageTime.duration(max(1, outcome.duration.components.seconds)),
            "size": PageNumber.text(outcome.size),
            "counts": rows.map { label, count, isBad -> PageData in
                .of(["label": label, "count": PageNumber.text(count), "is_bad": isBad && count > 0 ? true : nil])
            },
        ])
    }
}
