/// The tiles that proofs in one tree have in common, each read once. Of level 0, whose tiles cost most and are shared least,
/// only the latest few are held.
struct TileCache {
    /// Level-0 tiles held: those of the leaf at hand and of the tree's right edge, and some to spare.
    private static let leafTiles = 8

    private let source: StoredTiles
    private let size: UInt64
    private var held: [TilePath: [TreeHash]] = [:]
    private var leafTiles: [TilePath] = []

    init(tiles source: StoredTiles, size: UInt64) {
        self.source = source
        self.size = size
    }

    /// The tiles that a plan needs, and perhaps more.
    mutating func tiles(of plan: ProofPlan) throws -> [TilePath: [TreeHash]] {
        for path in try plan.tiles() {
            if held[path] == nil { held[path] = try source.hashes(path, inTreeOf: size) }
            guard path.content == .hashes(level: 0) else { continue }
            leafTiles.removeAll { $0 == path }
            leafTiles.append(path)
        }
        while leafTiles.count > Self.leafTiles { held[leafTiles.removeFirst()] = nil }
        return held
    }
}
