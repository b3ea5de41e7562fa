/// Proofs of a stored tree up to any size that is synchronised, for whoever submits a checkpoint before it is published.
///
/// Reads files that only grow, so any thread may use it beside the writer.
package struct LedgerProofs: Sendable {
    let tiles: StoredTiles

    /// The consistency proof between two sizes; empty from 0 and between equal ones.
    ///
    /// - Throws: ``LedgerError/Code/outOfRange`` when `oldSize` is larger, ``LedgerError/Code/corrupt``.
    package func consistency(from oldSize: UInt64, to newSize: UInt64) throws -> [TreeHash] {
        guard oldSize > 0 else { return [] }
        return try tiles.hashes(of: .consistency(from: oldSize, to: newSize), inTreeOf: newSize)
    }
}
