import Testing

@testable import Ledger

@Suite("A witness policy")
struct WitnessPolicyTests {
    private static func witness(_ number: UInt8) throws -> WitnessKey {
        try WitnessKey(name: "witness.example/\(number)", seed: Array(repeating: number, count: 32))
    }

    private static let log = WitnessVectors.logKey

    private func policy(_ lines: String...) throws -> WitnessPolicy {
        try WitnessPolicy(parsing: Array((lines.joined(separator: "\n") + "\n").utf8))
    }

    private func line(_ name: String, _ number: UInt8, url: String = "") throws -> String {
        "witness \(name) \(try Self.witness(number).verifierKey) \(url)"
    }

    @Test("The specification's example asks for two of one group and one of the other")
    func example() throws {
        let policy = try policy(
            "log \(Self.log)", "", line("X1", 1), line("X2", 2, url: "https://x2.example/"), line("X3", 3),
            "group X-witnesses 2 X1 X2 X3", " \t# a remark", line("Y1", 4), line("Y2", 5), line("Y3", 6),
            "group Y-witnesses any Y1 Y2 Y3", "\tgroup  X-and-Y\tall X-witnesses Y-witnesses  ", "quorum X-and-Y")
        #expect(policy.logs.map(\.key?.description) == [Self.log])
        #expect(policy.witnesses.map(\.name) == ["X1", "X2", "X3", "Y1", "Y2", "Y3"])
        #expect(policy.witnesses[1].url == "https://x2.example/")
        #expect(policy.fewestCosignatures == 3)
        for (cosigned, isEnough) in [
            ([], false), ([0, 1], false), ([0, 1, 3], true), ([1, 2, 5], true), ([0, 3, 4, 5], false),
            ([0, 1, 2], false), ([0, 1, 2, 3, 4, 5], true),
        ] as [(Set<Int>, Bool)] {
            #expect(policy.isSatisfied(by: cosigned) == isEnough, "\(cosigned)")
        }
    }

    @Test("A quorum is one witness, a group, or none")
    func quorums() throws {
        let one = try policy(line("a", 1), line("b", 2), "quorum b")
        #expect(!one.isSatisfied(by: [0]) && one.isSatisfied(by: [1]))
        #expect(try policy("quorum none").isSatisfied(by: []))
        #expect(try policy(line("a", 1), "quorum none").isSatisfied(by: []))
        #expect(WitnessPolicy.none.isSatisfied(by: []))
    }

    @Test("At least 32 logs, witnesses and groups are read")
    func sizes() throws {
        var lines: [String] = []
        for number in 1...64 as ClosedRange<UInt8> {
            lines.append(
                "log \(try LedgerKey(name: "log\(number)x", seed: Array(repeating: number, count: 32)).verifierKey)")
            lines.append(try line("w\(number)", number))
            lines.append("group g\(number) 1 w\(number)")
        }
        let members = (1...64).map { "g\($0)" }.joined(separator: " ")
        lines += ["group all-of-them 33 \(members)", "quorum all-of-them"]
        let policy = try WitnessPolicy(parsing: Array(lines.joined(separator: "\n").utf8))
        #expect(policy.logs.count == 64 && policy.witnesses.count == 64)
        #expect(!policy.isSatisfied(by: Set(0..<32)) && policy.isSatisfied(by: Set(31..<64)))
    }

    @Test("Names are octets: a Kelvin sign is no K, and composed is not decomposed")
    func names() throws {
        let policy = try policy(
            line("K", 1), line("\u{212A}", 2), line("\u{E9}", 3), line("e\u{301}", 4),
            "group all-four all K \u{212A} \u{E9} e\u{301}", "quorum all-four")
        #expect(policy.fewestCosignatures == 4)
        let raw = Array("witness ".utf8) + [0xff, 0xfe] + Array(" \(try Self.witness(1).verifierKey)\nquorum ".utf8)
        #expect(try WitnessPolicy(parsing: raw + [0xff, 0xfe]).fewestCosignatures == 1)
    }

    @Test("A policy out of form is refused with the number of its line")
    func malformed() throws {
        let (a, b) = (try line("a", 1), try line("b", 2))
        for (number, lines) in [
            (1, ["quorom none"]), (1, ["quorum"]), (1, ["quorum none none"]), (1, ["quorum a"]),
            (2, ["quorum none", "quorum none"]), (1, ["log"]), (1, ["log \(Self.log) https://a b"]), (1, ["log x"]),
            (2, ["log \(Self.log)", "log \(Self.log)"]), (1, ["log \(WitnessVectors.witnessKey)"]),
            (1, ["witness a \(Self.log)"]), (1, ["witness a"]), (2, [a, try line("a", 2)]), (2, [a, try line("c", 1)]),
            (1, [try line("none", 1)]), (2, [a, "group g 1"]), (2, [a, "group g 2 a"]), (2, [a, "group g 0 a"]),
            (2, [a, "group g 01 a"]), (2, [a, "group g some a"]), (2, [a, "group g any none"]),
            (2, [a, "group g any b", b]), (2, [a, "group a any a"]), (3, [a, b, "group g any a a"]),
            (4, [a, b, "group g any a", "group h any a b"]), (2, [a, "group none any a"]),
            (1, ["quorum none\r"]), (1, ["# bell \u{7}"]), (1, ["# del \u{7f}"]), (2, ["quorum none", "x"]),
            (1, [a.replacing("+B", with: "+C")]),
        ] as [(Int, [String])] {
            let text = lines.joined(separator: "\n") + "\n"
            let error = #expect(throws: LedgerError.self, "\(text)") { try WitnessPolicy(parsing: Array(text.utf8)) }
            #expect(error?.reason.hasPrefix("policy line \(number):") == true, "\(text) \(error?.reason ?? "")")
        }
        #expect(throws: LedgerError(.malformed, "the policy has no quorum line")) { try policy(a) }
        #expect(throws: LedgerError.self) { try WitnessPolicy(parsing: []) }
    }

    @Test("A key of a type that only others know is read and never counts")
    func unsupportedKeys() throws {
        let mlDSA = StrictBase64.encode([0x06] + [UInt8](repeating: 7, count: 1312))
        let policy = try policy(
            line("a", 1), "witness pq example.com/pq+00112233+\(mlDSA)", "group either any a pq", "quorum either")
        #expect(policy.witnesses[1].key == nil)
        let note = try cosigned(by: [1])
        #expect(try policy.judge(note).isQuorum)
        #expect(throws: LedgerError.self) {
            try Cosigning(
                self.policy("witness pq example.com/pq+00112233+\(mlDSA) https://a.example", "quorum pq"),
                transport: NoTransport())
        }
    }

    @Test("A checkpoint is judged by the valid cosignatures of known witnesses; a failing one spoils it")
    func judging() throws {
        let policy = try policy(
            "log \(Self.log)", line("a", 1), line("b", 2), line("c", 3), "group two 2 a b c", "quorum two")
        let enough = try cosigned(by: [1, 3, 9])
        let (signed, judgement) = try policy.checkpoint(enough.bytes)
        #expect(signed.checkpoint.size == 5 && judgement.times == [0: 1001, 2: 1003])
        #expect(throws: LedgerError.self) { try policy.checkpoint(cosigned(by: [3]).bytes) }
        do {
            _ = try policy.checkpoint(cosigned(by: [2, 9]).bytes)
        } catch let error as LedgerError {
            #expect(error.code == .quorumMissing && error.reason.contains("only b"))
        }
        // One witness twice is one witness.
        var twice = try cosigned(by: [1])
        twice.signatures.append(try Self.witness(1).cosign(twice.text, at: 5000))
        #expect(try !policy.judge(twice).isQuorum)
        #expect(try policy.judge(twice).times == [0: 5000])
        var spoiled = enough
        spoiled.signatures[1].spoil()
        #expect(throws: LedgerError.self) { try policy.judge(spoiled) }
        let foreign = try LedgerKey(name: "other.example", seed: Array(9..<41))
        let stranger = try SignedCheckpoint(
            signing: Checkpoint(origin: "other.example", size: 1, root: .zero), with: foreign)
        #expect(throws: LedgerError.self) { try policy.checkpoint(stranger.note.bytes) }
    }

    private func cosigned(by numbers: [UInt8]) throws -> SignedNote {
        var note = try SignedNote(parsing: Array(WitnessVectors.five.utf8))
        for number in numbers {
            note.signatures.append(try Self.witness(number).cosign(note.text, at: 1000 + UInt64(number)))
        }
        return note
    }
}

/// Nobody answers.
struct NoTransport: WitnessTransport {
    struct Silence: Error {}

    func post(_ body: [UInt8], to url: String, timeout: Duration) async throws -> WitnessReply { throw Silence() }
}

extension SignedNote.Signature {
    /// Flips a bit of the signature.
    mutating func spoil() {
        var bytes = bytes
        bytes[bytes.count - 1] ^= 1
        self = SignedNote.Signature(name: name, keyID: keyID, bytes: bytes)
    }
}
