/// Where a log's checkpoint, tiles and entry bundles come from: a directory, a server, or our own storage.
package protocol TileSource: Sendable {
    /// The bytes of the latest checkpoint's note.
    func checkpoint() async throws -> [UInt8]

    /// The bytes at a path.
    ///
    /// - Throws: any error when there is nothing; the verifier then looks for the full tile instead of a partial one.
    func bytes(_ path: TilePath) async throws -> [UInt8]
}
