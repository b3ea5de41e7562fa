/// The log's signed promise to a submitter: these leaves have these indexes and will be under a checkpoint in time.
///
/// A signed note of the log's own key, whose text is seven lines: `custody-receipt/v1`, origin, first index, count,
/// base64 of the root over the batch's leaf hashes (a Merkle tree of its own), the time of acceptance in milliseconds
/// since 1970, and the greatest delay of publication in seconds. No checkpoint of the same key can be read as a receipt,
/// nor a receipt as a checkpoint: a checkpoint's second line is a number, a receipt's is an origin, which never is one.
package struct Receipt: Hashable, Sendable {
    /// The first line.
    package static let header = "custody-receipt/v1"

    /// The log that promises.
    package let origin: String
    /// The index of the batch's first leaf.
    package let firstIndex: UInt64
    /// How many leaves the batch has, at least one.
    package let count: UInt64
    /// The Merkle tree root over the batch's leaf hashes.
    package let batchRoot: TreeHash
    /// When the batch was accepted, in milliseconds since 1970.
    package let accepted: UInt64
    /// Within how many seconds of that a checkpoint covers it.
    package let maximumDelay: UInt64

    /// The receipt for a batch.
    ///
    /// - Precondition: `leafHashes` is not empty.
    package init(
        origin: String, firstIndex: UInt64, leafHashes: [TreeHash], accepted: UInt64, maximumDelay: UInt64
    ) {
        precondition(!leafHashes.isEmpty, "a receipt is for at least one leaf")
        self.origin = origin
        self.firstIndex = firstIndex
        count = UInt64(leafHashes.count)
        batchRoot = MerkleHashing.root(leafHashes)
        self.accepted = accepted
        self.maximumDelay = maximumDelay
    }

    /// Reads a receipt and verifies it with the log's key.
    ///
    /// - Throws: ``LedgerError/Code/malformed`` or ``LedgerError/Code/signatureInvalid``
    package init(parsing bytes: [UInt8], verifiedBy key: VerifierKey) throws {
        let note = try SignedNote(parsing: bytes)
        try note.verified(by: [key])
        let lines = String(decoding: note.text.dropLast(), as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 7, lines[0] == Self.header,
            let firstIndex = StrictDecimal.decode(lines[2]), let count = StrictDecimal.decode(lines[3]), count > 0,
            !firstIndex.addingReportingOverflow(count).overflow,
            let batchRoot = StrictBase64.decode(lines[4]).flatMap({ TreeHash($0) }),
            let accepted = StrictDecimal.decode(lines[5]), let maximumDelay = StrictDecimal.decode(lines[6])
        else { throw LedgerError(.malformed, "the note is no receipt") }
        guard lines[1] == key.name else {
            throw LedgerError(.signatureInvalid, "the receipt is not of the log \(key.name)")
        }
        origin = key.name
        self.firstIndex = firstIndex
        self.count = count
        self.batchRoot = batchRoot
        self.accepted = accepted
        self.maximumDelay = maximumDelay
    }

    /// The text that is signed.
    package var text: [UInt8] {
        let root = batchRoot.withUnsafeBytes { StrictBase64.encode($0) }
        return Array("\(Self.header)\n\(origin)\n\(firstIndex)\n\(count)\n\(root)\n\(accepted)\n\(maximumDelay)\n".utf8)
    }

    /// The receipt as a signed note.
    package func signed(by signer: any NoteSigner) throws -> [UInt8] {
        try SignedNote(signing: text, with: signer).bytes
    }
}
