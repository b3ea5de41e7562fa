/// Where a log's checkpoint, tiles and entry bundles come from: a directory, a server, or our own storage.
package protocol TileSource: Sendable {
    /// The bytes of the latest checkpoint's note.
    func checkpoint() async throws -> [UInt8]

    /// The bytes at a path.
    ///
    /// - Throws: any error when there is nothing; the verifier then looks for the full tile instead of a partial one.
    func bytes(_ path: TilePath) async throws -> [UInt8]

    /// The bytes of a key change, see ``KeyHistory``; `nil` when there is none of this number.
    func keyChange(_ number: Int) async throws -> [UInt8]?
}

extension TileSource {
    package func keyChange(_ number: Int) async throws -> [UInt8]? { nil }

    /// The keys that sign for the log: the one that is trusted, and those that it was changed for since.
    ///
    /// - Throws: see ``KeyHistory/keys(after:fetch:)``.
    package func keys(after trusted: VerifierKey) async throws -> [VerifierKey] {
        var number = 0
        return try await KeyHistory.keys(after: trusted) { _ in
            number += 1
            return try await keyChange(number)
        }
    }

    /// The statements by which each of a log's keys became the next.
    ///
    /// - Parameter keys: see ``keys(after:)``.
    package func keyChanges(following keys: [VerifierKey]) async throws -> [String] {
        var statements: [String] = []
        for number in 1...KeyChange.maximumChanges where statements.count + 1 < keys.count {
            guard let bytes = try await keyChange(number) else { break }
            let change = try KeyChange(parsing: bytes)
            guard change.old == keys[statements.count], change.new == keys[statements.count + 1] else { continue }
            statements.append(String(decoding: bytes, as: UTF8.self))
        }
        return statements
    }

    /// Which of a log's keys, the newest first, has signed its checkpoint; the newest when none has.
    package func signer(among keys: [VerifierKey]) async throws -> VerifierKey {
        let signers = try SignedNote(parsing: try await checkpoint()).verified(by: keys)
        return keys.last { signers.contains($0) } ?? keys[keys.count - 1]
    }
}
