/// Something that signs notes in a log's name: a key in memory, or later a signer in another process.
package protocol NoteSigner: Sendable {
    /// The key that its signatures verify with.
    var verifierKey: VerifierKey { get }

    /// The signature over a note's text, without the key id.
    func signature(over text: [UInt8]) throws -> [UInt8]
}
