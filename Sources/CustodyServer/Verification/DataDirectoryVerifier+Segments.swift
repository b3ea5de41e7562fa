import EventModel
import EventStore
import Journal
import Ledger
import SystemPackage

/// The segments: structure, rows against the ledger, indexes against their seals.
extension DataDirectoryVerifier {

    /// Rows of a segment that are checked in one go: enough to be worth a task, few enough for all cores to end together.
    private static let rowsOfPart = 16_384

    /// A piece of work of about equal size.
    private enum Part {
        case structure(SegmentReader)
        case rows(SegmentReader, Range<Int>)
    }

    /// Checks the segments that hold leaves from `first` on, and all records.
    func checkSegments(
        _ ledger: LedgerReader, from first: UInt64, _ compared: UInt64, _ pace: VerificationPace,
        _ progress: @escaping @Sendable (UInt64) -> Void
    ) async throws -> [LeafComparison] {
        var whole = LeafComparison(ledger: ledger)
        var parts: [Part] = []
        do {
            let inspection = try SegmentInspection(
                directory: directory.appending("segments"), fileSystem: fileSystem)
            for fault in inspection.faults { whole.note("segments/\(fault)") }
            for segment in inspection.segments {
                guard let start = try Self.firstRow(of: segment, from: first) else { continue }
                parts.append(.structure(segment))
                parts += stride(from: start, to: segment.rowCount, by: Self.rowsOfPart).map {
                    .rows(segment, $0..<min($0 + Self.rowsOfPart, segment.rowCount))
                }
            }
        } catch {
            whole.note("segments: \(error)")
        }
        var results = [LeafComparison?](repeating: nil, count: parts.count)
        var done = compared
        try await withThrowingTaskGroup(of: (Int, LeafComparison).self) { group in
            var next = 0
            func start() {
                guard next < parts.count else { return }
                let (number, part) = (next, parts[next])
                next += 1
                group.addTask { (number, await pace.run { Self.check(part, LeafComparison(ledger: ledger)) }) }
            }
            for _ in 0..<pace.concurrency { start() }
            while let (number, comparison) = try await group.next() {
                try Task.checkCancellation()
                results[number] = comparison
                done += UInt64(comparison.verified.count)
                progress(done)
                start()
            }
        }
        return [whole] + results.compactMap { $0 }
    }

    /// The first row to compare; nil when a segment has none.
    private static func firstRow(of segment: SegmentReader, from first: UInt64) throws -> Int? {
        if segment.partition.retentionClass == RetentionClass.records { return 0 }
        guard segment.indexes.upperBound.rawValue >= first else { return nil }
        var (low, high) = (0, segment.rowCount)
        while low < high {
            let middle = (low + high) / 2
            if try segment.leafIndex(ofRow: middle).rawValue < first { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static func check(_ part: Part, _ empty: LeafComparison) -> LeafComparison {
        var comparison = empty
        do {
            switch part {
            case .structure(let segment):
                var isSound = true
                segment.verify {
                    isSound = false
                    comparison.note("segments/\($0)")
                }
                if isSound {
                    comparison.indexes.append((segment, LowercaseHex.encode(try segment.indexDigest())))
                } else {
                    comparison.unsound.append(segment)
                }
            case .rows(let segment, let rows):
                compare(segment, rows, into: &comparison)
                segment.release()
            }
        } catch {
            comparison.note("segments/\(error)")
        }
        return comparison
    }

    /// Compares rows, and where they cannot be read halves them until the ones that are lost stand alone.
    private static func compare(_ segment: SegmentReader, _ rows: Range<Int>, into comparison: inout LeafComparison) {
        var attempt = comparison
        do {
            try attempt.compare(segment, rows: rows)
            comparison = attempt
        } catch  where rows.count > 1 {
            let middle = rows.lowerBound + rows.count / 2
            compare(segment, rows.lowerBound..<middle, into: &comparison)
            compare(segment, middle..<rows.upperBound, into: &comparison)
        } catch {
            comparison.note("segments/\(error)")
            if let index = try? segment.leafIndex(ofRow: rows.lowerBound) { comparison.markAltered(index.rawValue) }
        }
    }

    // MARK: Seals

    /// Compares each index with its seal. Where there is none, or it is another's, the index is built again, and events of
    /// leaves below `first`, which were not compared, are: columns are a part of what events are made of, so that a forged one
    /// shows in the events alone. So are those of segments of which something cannot be read, which tells the events that are lost.
    func compareSeals(
        _ indexes: [(segment: SegmentReader, digest: String)], unsound: [SegmentReader], _ history: AuthorityHistory,
        _ ledger: LedgerReader, from first: UInt64, _ pace: VerificationPace, _ report: inout VerificationReport
    ) async throws {
        let doubtful = indexes.filter { isDeep || history.seals[$0.segment.name]?.digest != $0.digest }
        let unsealed = indexes.filter { history.seals[$0.segment.name]?.digest != $0.digest }.count
        if unsealed > 0 {
            report.notes.append(
                "\(unsealed) of \(indexes.count) segments have no seal of their own yet; their indexes were built again and "
                    + "compared")
        }
        let parts: [(segment: SegmentReader, digest: String?)] =
            doubtful.map { ($0.segment, $0.digest) } + unsound.map { ($0, nil) }
        let comparisons = await withTaskGroup(of: LeafComparison.self) { group in
            var waiting = parts.makeIterator()
            func start() {
                guard let next = waiting.next() else { return }
                group.addTask {
                    await pace.run {
                        var comparison = LeafComparison(ledger: ledger)
                        Self.compareUnsealed(next.segment, next.digest, below: first, into: &comparison)
                        return comparison
                    }
                }
            }
            for _ in 0..<pace.concurrency { start() }
            var comparisons: [LeafComparison] = []
            while let comparison = await group.next() {
                comparisons.append(comparison)
                start()
            }
            return comparisons
        }
        report.counts.altered += UInt64(comparisons.reduce(0) { $0 + $1.altered.count })
        report.faults += comparisons.flatMap(\.faults).sorted()
    }

    private static func compareUnsealed(
        _ segment: SegmentReader, _ digest: String?, below first: UInt64, into comparison: inout LeafComparison
    ) {
        if let digest, let fault = faultOfIndex(segment, digest) { comparison.note(fault) }
        do {
            let compared = try firstRow(of: segment, from: first) ?? segment.rowCount
            compare(segment, 0..<compared, into: &comparison)
            segment.release()
        } catch {
            comparison.note("segments/\(error)")
        }
    }

    private static func faultOfIndex(_ segment: SegmentReader, _ digest: String) -> String? {
        do {
            // An index that hides an event has right checksums when whoever made it could write files.
            guard LowercaseHex.encode(try segment.rebuiltIndexDigest()) != digest else { return nil }
            let part = try segment.differentIndexSection().map { " (\($0))" } ?? ""
            return "segments/\(segment.name): the index is not the one that its events give\(part)"
        } catch {
            return "segments/\(error)"
        }
    }
}
