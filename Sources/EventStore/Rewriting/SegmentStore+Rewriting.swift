import DurableFiles
package import EventModel
import Journal
import SystemPackage

/// An order at work: one file after the other, each written in the background and taken over by the owner.
struct SegmentRewriting {
    let order: StoreOrders.Destroying
    var files = 0
    var job: (job: StoreJob<[SegmentReader]>, state: PartitionState, entry: SegmentEntry)?
}

extension SegmentStore {
    /// Goes on with the order at hand, or begins the next.
    ///
    /// - Throws: What ends the process. Whatever else goes wrong is told to whoever gave the order.
    func workOnOrders() throws {
        if rewriting == nil, let order = orders.next() {
            do {
                try begin(order)
            } catch let error as EventStoreError {
                return order.refuse(error)
            } catch let error as DurableFilesError where error.code == .diskFull {
                return order.refuse(error)
            } catch {
                order.refuse(error)
                throw error
            }
        }
        while let current = rewriting {
            guard let job = current.job else {
                guard try beginNextFile(of: current) else { return finishOrder(.success(current.files)) }
                continue
            }
            guard let result = job.job.finished else { return }
            rewriting?.job = nil
            guard try takeOverRewrite(result, job.state, job.entry) else { return }
            rewriting?.files += 1
        }
    }

    private func begin(_ order: StoreOrders.Order) throws {
        switch order {
        case .destroy(let order):
            // Rows in memory are written first: their journal pages have to go, and files are what is rewritten.
            try seal()
            // What was read again goes before what was sealed, so that nothing outlives its event.
            var started = SegmentRewriting(order: order)
            if try forgetInOverlays(order.change) { started.files += 1 }
            rewriting = started
        case .begin(let source, let completion): completion(.success(try beginOverlay(of: source)))
        case .publish(let draft, let completion): completion(.success(try publishOverlay(draft)))
        case .abandon(let draft): try abandonOverlay(draft)
        }
    }

    /// Refuses the order at hand and those that wait.
    func refuseOrders(_ error: any Error) {
        if let job = rewriting?.job?.job, case .success(let made) = job.wait() {
            for reader in made { try? directory.remove(reader.name) }
        }
        if rewriting != nil { finishOrder(.failure(error)) }
        while let order = orders.next() { order.refuse(error) }
        try? overlays?.draft?.abandon()
        overlays?.draft = nil
    }

    private func finishOrder(_ result: Result<Int, any Error>) {
        let order = rewriting?.order
        rewriting = nil
        order?.completion(result)
    }

    /// Begins to rewrite the next file that the order concerns. False when there is none left.
    private func beginNextFile(of current: SegmentRewriting) throws -> Bool {
        let change = current.order.change
        for state in partitions.values.sorted(by: { $0.partition.precedes($1.partition) }) {
            for file in state.files {
                let span = file.entry.indexes.lowerBound.rawValue...file.entry.indexes.upperBound.rawValue
                guard let reader = file.reader, !view.isQuarantined(file.entry.path) else {
                    let mayHold =
                        change.dropped[state.partition]?.overlaps(span) == true
                        || change.redacted.keys.contains(where: span.contains)
                    guard !mayHold else {
                        finishOrder(
                            .failure(EventStoreError(.damaged, "\(file.entry.path) is damaged and was not rewritten")))
                        return true
                    }
                    continue
                }
                do {
                    guard try change.concerns(reader) else { continue }
                } catch {
                    finishOrder(.failure(error))
                    return true
                }
                let (directory, rewriter) = (
                    directory, SegmentRewriter(source: reader, change: change, settings: settings)
                )
                let job = StoreJob(inBackground: settings.worksInBackground, name: "custody-rewrite") {
                    try rewriter.write(to: directory)
                }
                rewriting?.job = (job, state, file.entry)
                return true
            }
        }
        return false
    }

    /// Publishes the new files in place of the old one. False when the order has failed.
    private func takeOverRewrite(
        _ result: Result<[SegmentReader], any Error>, _ state: PartitionState, _ entry: SegmentEntry
    ) throws -> Bool {
        guard let made = try accepted(result) else {
            if case .failure(let error) = result { finishOrder(.failure(error)) }
            return false
        }
        guard let position = state.files.firstIndex(where: { $0.entry == entry }) else {
            preconditionFailure("nothing else replaces files while an order is at work")
        }
        do {
            try publishManifest { manifest in
                manifest.segments.removeAll { $0 == entry }
                manifest.segments += made.map { SegmentEntry($0) }
            }
        } catch let error as DurableFilesError where error.code == .diskFull {
            for reader in made { try? directory.remove(reader.name) }
            finishOrder(.failure(error))
            return false
        }
        state.files.replaceSubrange(
            position...position, with: made.map { .init(entry: SegmentEntry($0), reader: $0) })
        state.canMergeFiles = true
        counters.rewrites += 1
        publishSnapshot()
        // Readers that still map the old file finish with it.
        try directory.remove(entry.path)
        try directory.fileSystem.synchronizeDirectory(directory.path.appending(entry.directory))
        return true
    }
}

extension SegmentStore {
    /// Goes past leaves that are nowhere, because their events were destroyed: for building a store anew.
    package func skip(to index: LeafIndex) { nextIndex = max(nextIndex, index) }
}
