import AccessControl
import Crypto
import EventModel
import EventStore
import Hummingbird
import Identity
import Intake
import Journal
import Ledger
import QueryLanguage

/// Writes one evidence pack, a page of hits at a time, so that a pack of any size costs the memory of a page.
struct EvidenceExport: Sendable {
    /// Hits that are asked for at once.
    static let pageEvents = 500

    let state: ServerState
    let principal: Principal
    let query: AuthorizedQuery
    let disclosed: Set<FieldGroup>
    let limit: Int
    let checkpoint: SignedCheckpoint
    let created: Timestamp

    /// The first page, asked for before anything is answered, so that a query that cannot run is an error and no pack.
    func firstPage() async throws -> QueryResult {
        try await state.store.search(
            query, SearchOptions(limit: min(limit, Self.pageEvents), order: .oldestFirst, reading: .sealed))
    }

    /// Writes the pack. Returns how many events it has.
    func write(
        _ first: QueryResult, to writer: inout some ResponseBodyWriter
    ) async throws -> Int {
        var hash = SHA256()
        var coverage = EvidenceCoverage()
        coverage.since = query.since ?? query.query.timeBounds.time.lower ?? first.defaultedWindow?.since
        coverage.until = query.until ?? query.query.timeBounds.time.upper ?? first.defaultedWindow?.until
        coverage.checkpointSize = checkpoint.checkpoint.size
        coverage.isRestricted = query.restriction != nil
        coverage.leavesOutOwnAudit = query.hidesOwnAudit
        coverage.withheld = FieldGroup.allCases.filter { !disclosed.contains($0) }
        func put(_ line: [UInt8]) async throws {
            hash.update(data: line)
            try await writer.write(ByteBuffer(bytes: line))
        }
        try await put(
            EvidenceFormat.header(
                query: query.query.canonical, created: created, key: state.ledgerKey.verifierKey,
                checkpoint: checkpoint.note.bytes, disclosing: disclosed))
        var written = 0
        var page = first
        while true {
            for hit in page.events {
                guard hit.index.rawValue < checkpoint.checkpoint.size else {
                    coverage.uncovered += 1
                    continue
                }
                guard let line = try line(of: hit.index) else {
                    coverage.noteDestroyed(hit.index.rawValue)
                    continue
                }
                if !line.isWhole { coverage.noteDestroyed(hit.index.rawValue) }
                try await put(line.bytes)
                written += 1
            }
            guard let cursor = page.cursor else { break }
            guard written < limit else {
                coverage.isTruncated = true
                break
            }
            page = try await state.store.search(
                query,
                SearchOptions(
                    limit: min(limit - written, Self.pageEvents), cursor: cursor, order: .oldestFirst, reading: .sealed)
            )
        }
        await countSources(&coverage)
        try await put(EvidenceFormat.trailer(events: written, coverage: coverage))
        let digest = Array(hash.finalize())
        try await writer.write(ByteBuffer(bytes: EvidenceFormat.signature(over: digest, by: state.ledgerKey)))
        return written
    }

    /// The line of an event, and whether all of it is there; nil when it is gone.
    private func line(of index: LeafIndex) throws -> (bytes: [UInt8], isWhole: Bool)? {
        guard let record = try state.storeView.record(at: index), let seed = record.seed,
            let parts = EvidenceFormat.parts(of: seed, at: index.rawValue)
        else { return nil }
        let proof = try state.ledger.inclusionProof(of: index.rawValue, in: checkpoint.checkpoint.size)
        return try record.bytes.withUnsafeBytes { bytes in
            let view = try SealedView(bytes)
            let line = try EvidenceFormat.line(
                view, index: index.rawValue, parts: parts, visible: disclosed, proof: proof)
            return (line, FieldGroup.allCases.allSatisfy { view.group($0) != nil })
        }
    }

    /// What every source has in the period: a source that says nothing there is a gap that no hit shows.
    private func countSources(_ coverage: inout EvidenceCoverage) async {
        do {
            let all = try Query(
                parsing: "source:* | stats count, min(received), max(received) by source.name", now: created)
            let authorized = try Authorizer.authorize(
                all, since: coverage.since ?? Timestamp(rawValue: 0), until: coverage.until, for: principal,
                now: created, permission: .export)
            let table = try await state.store.search(
                authorized, SearchOptions(limit: EvidenceCoverage.listedSources, reading: .sealed))
            coverage.sources = table.rows.compactMap { row in
                guard row.count == 4, let name = row[0].text, let events = row[1].text.flatMap({ Int64($0) }) else {
                    return nil
                }
                return .init(name: name, events: events, first: row[2].text ?? "", last: row[3].text ?? "")
            }
            let heard = Set(coverage.sources?.map(\.name) ?? [])
            guard query.restriction == nil else { return }
            coverage.silent = state.sources.list().map(\.name).filter { !heard.contains($0) }
        } catch {
            // Without an answer the pack says nothing of its sources.
            coverage.sources = nil
        }
    }
}
