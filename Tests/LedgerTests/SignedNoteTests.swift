import DurableFiles
import Foundation
import SystemPackage
import Testing

@testable import Ledger

@Suite struct SignedNoteTests {
    /// The example of C2SP signed-note.
    static let exampleKey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    static let example = """
        This is an example message.

        — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=

        """
    private let key = try! LedgerKey(name: "custody/0123abcd", seed: Array(0..<32))

    @Test("The specification's example verifies, and is printed as it was read")
    func specificationExample() throws {
        let vkey = try VerifierKey(parsing: Self.exampleKey)
        #expect(vkey.description == Self.exampleKey)
        let note = try SignedNote(parsing: Array(Self.example.utf8))
        #expect(try note.verified(by: [vkey]) == [vkey])
        #expect(note.bytes == Array(Self.example.utf8))
    }

    @Test("Flipping any bit of the example makes it invalid")
    func flippedBits() throws {
        let vkey = try VerifierKey(parsing: Self.exampleKey)
        let bytes = Array(Self.example.utf8)
        for index in bytes.indices {
            for bit in 0..<8 as Range<UInt8> {
                var altered = bytes
                altered[index] ^= 1 << bit
                #expect(throws: LedgerError.self) { try SignedNote(parsing: altered).verified(by: [vkey]) }
            }
        }
    }

    @Test("Our key prints the vkey and signs the notes that another implementation computed")
    func ownVectors() throws {
        let vkey = "custody/0123abcd+21ab72de+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
        #expect(key.verifierKey.description == vkey)
        let root = try #require(
            StrictBase64.decode("BcNEWSOlZyBjaqIvdWSjX3phA9EP3MfFVxxVLNXknm0=").flatMap { TreeHash($0) })
        let checkpoint = """
            custody/0123abcd
            2
            BcNEWSOlZyBjaqIvdWSjX3phA9EP3MfFVxxVLNXknm0=

            — custody/0123abcd Iaty3rm2ijGVMteHcTXb6+qCM+PieIj5wFIOTOJQK01XYic+j0/iZfiTHJBfjbGmqTdoQaVzcKmHJySvSvGBAHNBJwI=

            """
        let read = try SignedCheckpoint(parsing: Array(checkpoint.utf8), verifiedBy: key.verifierKey)
        #expect(read.checkpoint == Checkpoint(origin: key.verifierKey.name, size: 2, root: root))
        let signed = try SignedCheckpoint(signing: read.checkpoint, with: key)
        #expect(try SignedCheckpoint(parsing: signed.note.bytes, verifiedBy: key.verifierKey) == signed)
        let receipt = """
            custody-receipt/v1
            custody/0123abcd
            1000
            2
            BcNEWSOlZyBjaqIvdWSjX3phA9EP3MfFVxxVLNXknm0=
            1795435200123
            10

            — custody/0123abcd Iaty3jMLt4ARzLHaAXsMKmbVhoawqSJodKVo/PxRqOlnlkP8Y7MSVDToOx12iMWXf+cfWYmnT+kUXGu9P44BcZehdAo=

            """
        let promise = try Receipt(parsing: Array(receipt.utf8), verifiedBy: key.verifierKey)
        #expect(promise.firstIndex == 1000)
        #expect(promise.batchRoot == root)
        #expect(promise.text == Array(receipt.utf8.prefix(promise.text.count)))
    }

    @Test("Signatures of unknown keys are ignored, even ones of the same name or id")
    func unknownSignatures() throws {
        var note = try SignedNote(signing: Array("text\n".utf8), with: key)
        let own = note.signatures[0]
        note.signatures.insert(.init(name: "witness.example/w", keyID: 7, bytes: [1, 2, 3]), at: 0)
        note.signatures.append(.init(name: own.name, keyID: own.keyID + 1, bytes: own.bytes))
        note.signatures.append(.init(name: "other.example", keyID: own.keyID, bytes: own.bytes))
        #expect(try SignedNote(parsing: note.bytes).verified(by: [key.verifierKey]) == [key.verifierKey])
    }

    @Test("A failing signature of a known key rejects the note, though another one is valid")
    func failingKnownSignature() throws {
        var note = try SignedNote(signing: Array("text\n".utf8), with: key)
        var broken = note.signatures[0].bytes
        broken[3] ^= 1
        note.signatures.append(.init(name: note.signatures[0].name, keyID: note.signatures[0].keyID, bytes: broken))
        #expect(throws: LedgerError(.signatureInvalid, "the signature of custody/0123abcd is not valid")) {
            try note.verified(by: [key.verifierKey])
        }
        note.signatures.removeAll()
        #expect(throws: LedgerError(.signatureInvalid, "no known key has signed this note")) {
            try note.verified(by: [key.verifierKey])
        }
    }

    @Test("The text may have empty lines: the last empty line divides")
    func emptyLinesInText() throws {
        let text = Array("first\n\nsecond\n\n\nthird\n".utf8)
        let note = try SignedNote(parsing: SignedNote(signing: text, with: key).bytes)
        #expect(note.text == text)
        try note.verified(by: [key.verifierKey])
    }

    @Test(
        "Notes out of form are refused",
        arguments: [
            "", "\n", "text\n", "text\n\n", "text\n\nno signature\n", "text\n\n— name\n", "text\n\n— name AAAA\n",
            "text\n\n— name AAAAAAA\n", "text\n\n— name AAAAAAB=\n", "text\n\n— a+b AAAAAAAA\n",
            "text\n\n—  AAAAAAAA\n",
            "text\n\n— name AAAAAAAA", "text\n\n— name AAAAAAAA \n", "te\txt\n\n— name AAAAAAAA\n",
            "te\rxt\n\n— name AAAAAAAA\n",
            "text\n\n- name AAAAAAAA\n", "text\n\n— na\u{2003}me AAAAAAAA\n",
        ])
    func malformedNotes(text: String) {
        #expect(throws: LedgerError.self) { try SignedNote(parsing: Array(text.utf8)) }
    }

    @Test("Notes that are not UTF-8 are refused")
    func invalidUTF8() {
        #expect(throws: LedgerError.self) {
            try SignedNote(parsing: Array("te".utf8) + [0xff] + Array("xt\n\n— name AAAAAAAA\n".utf8))
        }
    }

    @Test("The limit of signatures holds, and is far above the sixteen that everyone must accept")
    func signatureLimit() throws {
        var note = try SignedNote(signing: Array("text\n".utf8), with: key)
        let other = SignedNote.Signature(name: "w", keyID: 1, bytes: [0])
        note.signatures += Array(repeating: other, count: SignedNote.maximumSignatures - 1)
        try SignedNote(parsing: note.bytes).verified(by: [key.verifierKey])
        note.signatures.append(other)
        #expect(throws: LedgerError(.malformed, "the note has too many signatures")) {
            try SignedNote(parsing: note.bytes)
        }
        #expect(throws: LedgerError(.malformed, "the note is too large")) {
            try SignedNote(parsing: [UInt8](repeating: 0x61, count: SignedNote.maximumSize + 1))
        }
    }

    @Test(
        "Verifier keys out of form are refused",
        arguments: [
            "", "name", "name+530d903a", "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "exam ple+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        ])
    func malformedKeys(text: String) {
        #expect(throws: LedgerError.self) { try VerifierKey(parsing: text) }
    }

    @Test("A key is made once, kept in a file for its owner alone, and read back")
    func keyFile() throws {
        let fixture = try LedgerFixture()
        let path = fixture.directory.appending("ledger.key")
        var generator = SystemRandomNumberGenerator()
        let made = try LedgerKey.load(
            from: path, in: fixture.fileSystem, orCreateNamed: { "custody/a" }, using: &generator)
        let read = try LedgerKey.load(
            from: path, in: fixture.fileSystem, orCreateNamed: { "custody/b" }, using: &generator)
        #expect(made.verifierKey == read.verifierKey)
        #expect(read.verifierKey.name == "custody/a")
        let attributes = try FileManager.default.attributesOfItem(atPath: path.string)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let note = try SignedNote(signing: Array("x\n".utf8), with: read)
        try note.verified(by: [made.verifierKey])
    }

    @Test("The key file has the documented form, and a damaged one is refused without repeating it")
    func keyFileForm() throws {
        let text = "PRIVATE+KEY+custody/0123abcd+21ab72de+AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n"
        #expect(try LedgerKey(parsing: text).verifierKey == key.verifierKey)
        for damaged in [
            "", String(text.dropLast()), text.replacing("0123", with: "0124"), text.replacing("21ab", with: "21ac"),
            text.replacing("AQAB", with: "AgAB"), text.replacing("HR4f", with: ""), text + "\n",
        ] {
            let error = #expect(throws: LedgerError.self) { try LedgerKey(parsing: damaged) }
            #expect(error?.reason.contains("BwgJ") == false)
        }
    }

    @Test(
        "Names that no checkpoint may have are refused",
        arguments: ["", "12", "a b", "a+b", "custody-receipt/v1", "a\nb"])
    func originNames(name: String) {
        #expect(throws: LedgerError.self) { try LedgerKey(name: name, seed: Array(0..<32)) }
    }

    @Test(
        "Checkpoints out of form are refused",
        arguments: [
            "", "\n", "o\n1\n", "o\n01\nBcNEWSOlZyBjaqIvdWSjX3phA9EP3MfFVxxVLNXknm0=\n",
            "o\n-1\nBcNEWSOlZyBjaqIvdWSjX3phA9EP3MfFVxxVLNXknm0=\n",
            "o\n18446744073709551616\nBcNEWSOlZyBjaqIvdWSjX3phA9EP3MfFVxxVLNXknm0=\n", "o\n1\nBcNE\n",
            "o\n1\nBcNEWSOlZyBjaqIvdWSjX3phA9EP3MfFVxxVLNXknm0=", "\n1\nBcNEWSOlZyBjaqIvdWSjX3phA9EP3MfFVxxVLNXknm0=\n",
            "o\n1\nBcNEWSOlZyBjaqIvdWSjX3phA9EP3MfFVxxVLNXknm0=\n\n",
        ])
    func malformedCheckpoints(text: String) {
        #expect(throws: LedgerError.self) { try Checkpoint(parsing: Array(text.utf8)) }
    }

    @Test("A checkpoint of another log, signed by a known key, is refused")
    func originMustBeTheKeysName() throws {
        let note = try SignedNote(signing: Checkpoint(origin: "other.example", size: 0, root: .zero).text, with: key)
        #expect(throws: LedgerError(.signatureInvalid, "the checkpoint is not of the log custody/0123abcd")) {
            try SignedCheckpoint(parsing: note.bytes, verifiedBy: key.verifierKey)
        }
    }

    @Test("A receipt commits to its batch, and neither it nor a checkpoint can be taken for the other")
    func receipts() throws {
        let leaves = (0..<5).map { TreeOfLeaves.entry($0).leafHash }
        let receipt = Receipt(
            origin: key.verifierKey.name, firstIndex: 1000, leafHashes: leaves, accepted: 1_795_435_200_123,
            maximumDelay: 10)
        #expect(receipt.batchRoot == TreeOfLeaves(size: 5).root(5))
        let bytes = try receipt.signed(by: key)
        #expect(try Receipt(parsing: bytes, verifiedBy: key.verifierKey) == receipt)
        #expect(throws: LedgerError.self) { try SignedCheckpoint(parsing: bytes, verifiedBy: key.verifierKey) }
        let checkpoint = try SignedCheckpoint(
            signing: Checkpoint(origin: key.verifierKey.name, size: 5, root: receipt.batchRoot), with: key)
        #expect(throws: LedgerError.self) { try Receipt(parsing: checkpoint.note.bytes, verifiedBy: key.verifierKey) }
        for index in bytes.indices {
            var altered = bytes
            altered[index] ^= 1
            #expect(throws: LedgerError.self) { try Receipt(parsing: altered, verifiedBy: key.verifierKey) }
        }
    }
}
