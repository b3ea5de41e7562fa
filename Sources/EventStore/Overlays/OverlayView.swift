import EventModel

/// Which rows of a segment are read again in an overlay, and which rows of the overlay those are.
struct OverlayPair: Sendable {
    /// The overlay's number among those of a view.
    var overlay = 0
    /// The segment's name.
    let base: String
    let baseRows: RowSet
    let overlayRows: RowSet

    /// Nil when no row of the overlay is in the segment, or when either cannot be read: then the sealed reading stands.
    init?(_ overlay: SegmentReader, over base: SegmentReader) {
        var baseRows = RowSet(rowCount: base.rowCount)
        var overlayRows = RowSet(rowCount: overlay.rowCount)
        do {
            var index = try overlay.leafIndexes()
            for row in 0..<overlay.rowCount {
                guard let place = try base.row(of: index(row)) else { continue }
                baseRows.insert(place)
                overlayRows.insert(row)
            }
        } catch {
            return nil
        }
        guard !overlayRows.isEmpty else { return nil }
        self.base = base.name
        self.baseRows = baseRows
        self.overlayRows = overlayRows
    }
}

/// The overlays at one moment.
struct OverlayView: Sendable {
    var version = 0
    var overlays: [SegmentReader] = []
    var pairs: [OverlayPair] = []
}

/// What searches read: segments as they were sealed, and over them what some of their events read like now.
package struct StoreReading: Sendable {
    package let segments: [any EventRows]
    let view: OverlayView

    /// Segments without overlays.
    package init(_ segments: [any EventRows]) { self.init(segments, OverlayView()) }

    init(_ segments: [any EventRows], _ view: OverlayView) {
        self.segments = segments
        self.view = view
    }

    /// The overlay's row of a leaf; nil when the leaf reads as it was sealed.
    func overlaidRow(of index: LeafIndex) throws -> (overlay: SegmentReader, row: Int)? {
        for overlay in view.overlays where overlay.indexes.contains(index) {
            if let row = try overlay.row(of: index) { return (overlay, row) }
        }
        return nil
    }
}

/// The segments that one search looks at, and the rows of them that it does not look at.
struct VisibleRows: Sendable {
    let segments: [any EventRows]
    /// By the segment's number; empty where nothing was read again.
    let hidden: [Int: RowSet]

    init(_ segments: [any EventRows], hidden: [Int: RowSet] = [:]) {
        self.segments = segments
        self.hidden = hidden
    }

    /// - Parameters:
    ///   - reading: as the events were sealed, or as they read now where they were read again.
    ///   - restriction: what the reader may see. An event that was read again has to be allowed by what was sealed and by what it
    ///     reads like now, whichever of them is searched.
    init(
        of store: StoreReading, _ reading: SearchOptions.Reading, restriction: CompiledFilter?, meter: QueryMeter
    ) async throws {
        guard !store.view.pairs.isEmpty else {
            self.init(store.segments)
            return
        }
        let numbers = Dictionary(
            store.segments.enumerated().compactMap { number, rows in
                (rows as? SegmentReader).flatMap { $0.isFile ? ($0.name, number) : nil }
            }
        ) { first, _ in first }
        let overlays = store.view.overlays
        var visible = overlays.map { RowSet(rowCount: $0.rowCount) }
        var hidden: [Int: RowSet] = [:]
        for pair in store.view.pairs {
            guard let number = numbers[pair.base], let base = store.segments[number] as? SegmentReader else { continue }
            let overlay = overlays[pair.overlay]
            let matcher = RowMatcher(base: base, overlay: overlay, meter: meter)
            switch reading {
            case .current:
                var shown = pair.overlayRows
                if let restriction { shown = try await matcher.overlayRows(of: pair, allowedBy: restriction) }
                visible[pair.overlay].formUnion(shown)
                hidden[number, default: RowSet(rowCount: base.rowCount)].formUnion(pair.baseRows)
            case .sealed:
                guard let restriction else { continue }
                let refused = try await matcher.baseRows(of: pair, refusedBy: restriction)
                hidden[number, default: RowSet(rowCount: base.rowCount)].formUnion(refused)
            }
        }
        guard reading == .current else {
            self.init(store.segments, hidden: hidden)
            return
        }
        for (number, rows) in visible.enumerated() {
            var others = RowSet(allOf: rows.rowCount)
            others.subtract(rows)
            if !others.isEmpty { hidden[store.segments.count + number] = others }
        }
        self.init(store.segments + overlays, hidden: hidden)
    }
}

/// Judges a reader's restriction on one of an event's two readings and says where the other one lies.
private struct RowMatcher {
    let base: SegmentReader
    let overlay: SegmentReader
    let meter: QueryMeter

    /// The overlay's rows whose sealed event is allowed.
    func overlayRows(of pair: OverlayPair, allowedBy restriction: CompiledFilter) async throws -> RowSet {
        let allowed = try await SegmentFilter(rows: base, meter: meter, worker: SearchWorker(meter))
            .select(restriction, among: pair.baseRows)
        return try pair.overlayRows.filtered { row in
            try base.row(of: overlay.leafIndex(ofRow: row)).map(allowed.contains) ?? false
        }
    }

    /// The segment's rows whose reading of now is not allowed.
    func baseRows(of pair: OverlayPair, refusedBy restriction: CompiledFilter) async throws -> RowSet {
        let allowed = try await SegmentFilter(rows: overlay, meter: meter, worker: SearchWorker(meter))
            .select(restriction, among: pair.overlayRows)
        return try pair.baseRows.filtered { row in
            try !(overlay.row(of: base.leafIndex(ofRow: row)).map(allowed.contains) ?? false)
        }
    }
}

extension RowSet {
    /// Those rows for which a condition holds.
    fileprivate func filtered(_ holds: (Int) throws -> Bool) rethrows -> RowSet {
        var kept = RowSet(rowCount: rowCount)
        for row in self where try holds(row) { kept.insert(row) }
        return kept
    }
}
