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
}
