import DurableFiles
import SystemPackage

/// Brings a journal's directory into a state that a writer can go on from.
struct JournalRecoverer {
    struct Recovered {
        var files: [JournalCatalogue.File] = []
        var tail: JournalTail
        var openSeeds: SeedTable
        var nextIndex: UInt64
        var report: JournalRecovery
    }

    let directory: FilePath
    let fileSystem: any FileSystem

    func recover(_ generator: inout some RandomNumberGenerator) throws -> Recovered {
        do {
            try fileSystem.createDirectory(directory)
            return try recoverDirectory(&generator)
        } catch let error as DurableFilesError {
            let code: JournalError.Code =
                switch error.code {
                case .syncFailed: .syncFailed
                case .diskFull: .diskFull
                default: .readFailed
                }
            throw JournalError(code, "the journal cannot be opened", file: error.path, cause: error)
        }
    }

    private func recoverDirectory(_ generator: inout some RandomNumberGenerator) throws -> Recovered {
        var starts = try JournalListing.firstIndexes(directory, fileSystem)
        let isNew = starts.isEmpty
        if isNew {
            let header = FileHeader(firstIndex: 0, previous: Bytes32(using: &generator))
            try fileSystem.writeAtomically(header.encoded, to: path(0))
            starts = [0]
        }
        var scans: [JournalFileScan] = []
        var seeds = SeedTable()
        var torn: UInt64?
        for start in starts {
            let before = scans.last.flatMap { scan in
                scan.digest.map { JournalFileScan.Expectation(nextIndex: scan.nextIndex, digest: $0) }
            }
            var scan = JournalFileScan(
                file: try fileSystem.open(path(start), .write), firstIndex: start, expected: before,
                isNewest: start == starts.last)
            let end = try scan.run { layout, _ in
                seeds.formUnion(layout.seeds)
                let next = layout.header.firstIndex + UInt64(layout.header.recordCount)
                seeds.keepOnly(bundle: JournalBundle.number(of: next))
            }
            switch end {
            case .whole: break
            case .torn(let offset): torn = offset
            case .altered(let offset, let reason):
                throw JournalError(.altered, reason, file: scan.file.path, offset: offset)
            }
            scans.append(scan)
        }
        let tornWrite = try torn.flatMap { try cutOff(&scans, at: $0) }
        let tail = try makeDurable(scans)
        return Recovered(
            files: scans.map { .init(firstIndex: $0.firstIndex, file: $0.file, frames: $0.frames) }, tail: tail,
            openSeeds: seeds, nextIndex: scans[scans.count - 1].nextIndex,
            report: JournalRecovery(
                tornWrite: tornWrite, isNew: isNew, frameCount: scans.reduce(0) { $0 + $1.frames.count }))
    }

    private func path(_ firstIndex: UInt64) -> FilePath {
        directory.appending(JournalFileName.name(firstIndex: firstIndex))
    }

    /// Copies a torn write aside and cuts it off; a file of which nothing else is left goes as a whole.
    private func cutOff(_ scans: inout [JournalFileScan], at offset: UInt64) throws -> JournalRecovery.TornWrite? {
        let scan = scans[scans.count - 1]
        let file = scan.file
        let wholeFile = scans.count > 1 && scan.frames.isEmpty
        let start = wholeFile ? 0 : offset
        let bytes = try file.read(at: start, count: Int(try file.size() - start))
        // A new file that power loss left empty has nothing to keep or to tell.
        let copy = bytes.isEmpty ? nil : try keep(bytes, index: scan.nextIndex)
        if wholeFile {
            try fileSystem.remove(file.path)
            scans.removeLast()
        } else {
            try file.truncate(to: offset)
        }
        return copy.map {
            JournalRecovery.TornWrite(
                file: file.path, offset: start, byteCount: UInt64(bytes.count), copy: $0, index: scan.nextIndex)
        }
    }

    private func keep(_ bytes: [UInt8], index: UInt64) throws -> FilePath {
        var attempt = 1
        while true {
            let path = directory.appending(JournalFileName.tornName(index: index, attempt: attempt))
            if try !fileSystem.exists(path) {
                try fileSystem.writeAtomically(bytes, to: path)
                return path
            }
            // The recovery before this one came as far as the copy.
            if try fileSystem.contents(of: path) == bytes { return path }
            attempt += 1
        }
    }

    /// Writes the last frame again, and synchronises it. After a failed synchronisation the cache may show a frame
    /// that the disk does not have and that nothing would ever write; only the last frame can be such a one, because
    /// each frame waits for the synchronisation of the one before it.
    private func makeDurable(_ scans: [JournalFileScan]) throws -> JournalTail {
        guard let newest = scans.last, let digest = newest.digest else {
            preconditionFailure("a journal has a file with a header")
        }
        let isFirst = newest.frames.count <= 1
        let start = isFirst ? 0 : newest.frames[newest.frames.count - 1].offset
        try newest.file.write(newest.file.read(at: start, count: Int(newest.end - start)), at: start)
        try newest.file.synchronizeData()
        try fileSystem.synchronizeDirectory(directory)
        return JournalTail(file: newest.file, end: newest.end, digest: digest)
    }
}
