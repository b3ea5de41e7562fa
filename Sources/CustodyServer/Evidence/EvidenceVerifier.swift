import Crypto
package import DurableFiles
import EventModel
import Foundation
package import Ledger

/// What an evidence pack proves.
package struct EvidenceReport: Sendable, Equatable {
    package let query: String
    package let checkpoint: SignedCheckpoint
    package let events: Int
    /// Whether the key was given by whoever verifies, and not taken from the pack itself.
    package let isKeyTrusted: Bool
    /// What the pack does not cover, as its exporter states, as JSON text.
    package let coverage: [UInt8]

    package var origin: String { checkpoint.checkpoint.origin }
}

/// Why an evidence pack proves nothing.
package struct EvidenceError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: Sendable {
        /// The file is no evidence pack.
        case unreadable
        /// It is one, and something in it is not what the ledger committed to or its exporter signed.
        case altered
    }

    package let code: Code
    /// The line, from 1.
    package let line: Int
    package let reason: String

    package var description: String { "line \(line): \(reason)" }
}

/// Checks an evidence pack offline: groups → event root → leaf → inclusion → checkpoint → signature, and the signature of the
/// exporter over all of it.
package struct EvidenceVerifier {
    private let trusted: VerifierKey?
    private let reader = EvidenceEventReader()

    /// - Parameter key: The ledger's verifier key, from somewhere else than the pack. Without it the pack's own is used, and
    ///   nobody vouches for that.
    package init(key: VerifierKey?) { trusted = key }

    /// Gets each proved event as its groups that are disclosed, by number.
    package typealias EventHandler = (_ index: UInt64, _ groups: [UInt8: [UInt8]]) throws -> Void

    /// - Throws: ``EvidenceError``; what `onEvent` throws.
    package func verify(_ pack: [UInt8], onEvent: EventHandler = { _, _ in }) throws -> EvidenceReport {
        try verify(EvidenceLines(pack), onEvent)
    }

    /// Verifies a file of any size with the memory of a few lines, and of the gaps between its indexes.
    ///
    /// - Throws: ``EvidenceError``; `DurableFilesError`; what `onEvent` throws.
    package func verify(_ file: any File, onEvent: EventHandler = { _, _ in }) throws -> EvidenceReport {
        try verify(EvidenceLines(file), onEvent)
    }

    /// The key that a pack names itself; it proves nothing.
    ///
    /// - Throws: ``EvidenceError``; `DurableFilesError`.
    package static func statedKey(of file: any File) throws -> VerifierKey {
        var lines = EvidenceLines(file)
        guard let first = try lines.next() else { throw unreadable(1, "the file is empty") }
        let header = try EvidenceEventReader().header(first)
        do {
            return try VerifierKey(parsing: header.key)
        } catch {
            throw unreadable(1, "its key cannot be read")
        }
    }

    private func verify(_ pack: EvidenceLines, _ onEvent: EventHandler) throws -> EvidenceReport {
        var lines = pack
        guard let first = try lines.next() else { throw Self.unreadable(1, "the file is empty") }
        let header = try reader.header(first)
        let key: VerifierKey
        let signed: SignedCheckpoint
        do {
            key = try trusted ?? VerifierKey(parsing: header.key)
            signed = try SignedCheckpoint(parsing: header.note, verifiedBy: key)
        } catch {
            throw Self.altered(1, "the checkpoint is not signed by the key: \(error)")
        }
        guard key.description == header.key else {
            throw Self.altered(1, "the pack names another key than the one that was given")
        }
        var hash = SHA256()
        hash.update(data: first)
        var events = 0
        // A set of ranges: neighbouring leaves cost nothing.
        var seen = IndexSet()
        while let line = try lines.next() {
            let number = lines.number
            switch try reader.line(line, number: number, under: signed.checkpoint) {
            case .event(let index, _, let groups):
                // One event told twice would count twice.
                guard let position = Int(exactly: index), !seen.contains(position) else {
                    throw Self.altered(number, "event \(index) is there twice")
                }
                seen.insert(position)
                events += 1
                hash.update(data: line)
                try onEvent(index, groups)
            case .trailer(let count, let coverage):
                guard count == Int64(events) else {
                    throw Self.altered(number, "the pack speaks of \(count) events, there are \(events)")
                }
                hash.update(data: line)
                try finish(&lines, Array(hash.finalize()), key)
                return EvidenceReport(
                    query: header.query, checkpoint: signed, events: events, isKeyTrusted: trusted != nil,
                    coverage: coverage)
            }
        }
        throw Self.altered(lines.number + 1, "the file is cut off: the line that counts its events is missing")
    }

    /// The signature's line, and nothing after it.
    private func finish(_ lines: inout EvidenceLines, _ digest: [UInt8], _ key: VerifierKey) throws {
        guard let line = try lines.next() else {
            throw Self.altered(lines.number + 1, "the file is cut off: the signature is missing")
        }
        let number = lines.number
        let note = try reader.signature(line, number: number)
        do {
            try note.verified(by: [key])
        } catch {
            throw Self.altered(number, "the pack is not signed by the key: \(error)")
        }
        guard note.text == EvidenceFormat.statement(digest: digest) else {
            throw Self.altered(number, "the signature is over another pack: a line was changed, moved or left out")
        }
        guard try lines.next() == nil else { throw Self.altered(number + 1, "there is more after the signature") }
    }

    static func unreadable(_ line: Int, _ reason: String) -> EvidenceError {
        EvidenceError(code: .unreadable, line: line, reason: reason)
    }

    static func altered(_ line: Int, _ reason: String) -> EvidenceError {
        EvidenceError(code: .altered, line: line, reason: reason)
    }
}
