/// A log behind any transport: the caller brings a function that gets the bytes at a path below the log's prefix.
package struct FetchedTileSource: TileSource {
    private let fetch: @Sendable (_ path: String) async throws -> [UInt8]

    /// - Parameter fetch: gets `checkpoint`, `tile/0/000` and the like; throws when there is nothing. It has to limit what
    ///   it reads.
    package init(fetch: @escaping @Sendable (_ path: String) async throws -> [UInt8]) {
        self.fetch = fetch
    }

    package func checkpoint() async throws -> [UInt8] {
        try await fetch("checkpoint")
    }

    package func keyChange(_ number: Int) async -> [UInt8]? {
        // Whoever cannot be asked is not followed: the signature of a key that nobody vouches for is then refused.
        try? await fetch(KeyHistory.path(number))
    }

    package func bytes(_ path: TilePath) async throws -> [UInt8] {
        try await fetch(path.description)
    }
}
