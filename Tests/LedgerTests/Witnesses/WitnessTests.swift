import DurableFiles
import SystemPackage
import Testing

@testable import Ledger

@Suite("A witness")
struct WitnessTests {
    private typealias Vectors = WitnessVectors
    private let disk = FaultingFileSystem(seed: 1)
    private let clock = SecondClock(WitnessVectors.time)

    @Test("The literal requests of a growing log get the literal answers, byte for byte")
    func vectors() throws {
        let witness = try Witness.ofVectors(disk, clock: clock)
        #expect(witness.verifierKey.description == Vectors.witnessKey)
        let first = witness.post(Vectors.request("0", "", Vectors.three))
        #expect(first == (200, "text/plain; charset=utf-8", Vectors.answerToThree))
        clock.advance(by: 3)
        let second = witness.post(Vectors.request("3", Vectors.proofFromThreeToFive, Vectors.five))
        #expect(second == (200, "text/plain; charset=utf-8", Vectors.answerToFive))
        let kept = try #require(try witness.checkpoint(ofOriginHash: Vectors.originHash))
        #expect(String(decoding: kept, as: UTF8.self) == Vectors.five + Vectors.answerToFive)
    }

    @Test("The same checkpoint again is cosigned with a new time")
    func again() throws {
        let witness = try Witness.ofVectors(disk, clock: clock)
        #expect(witness.post(Vectors.request("0", "", Vectors.three)).status == 200)
        clock.advance(by: 60)
        let again = witness.post(Vectors.request("3", "", Vectors.three))
        #expect(again.status == 200 && again.text != Vectors.answerToThree)
    }

    @Test("A body out of form is answered 400")
    func malformed() throws {
        let witness = try Witness.ofVectors(disk, clock: clock)
        let hash = "qze6NNHf4pAV3nF6bVdkqPsCnDp6D1tkuTtUNRiFv3w=\n"
        let bodies: [[UInt8]] = [
            [], Array("old 0".utf8), Array("old 0\n".utf8), Array("old 0\n\n".utf8),
            Vectors.request("00", "", Vectors.three), Vectors.request("-1", "", Vectors.three),
            Vectors.request("18446744073709551616", "", Vectors.three), Vectors.request("", "", Vectors.three),
            Array("new 0\n\n\(Vectors.three)".utf8), Vectors.request("3", "nohash\n", Vectors.five),
            Vectors.request("3", hash.replacing("3w=", with: "3x="), Vectors.five),
            Vectors.request("3", String(repeating: hash, count: 64), Vectors.five),
            Vectors.request("0", "", String(Vectors.three.dropLast())),
            Vectors.request("0", "", Vectors.three.replacing("\n3\n", with: "\n03\n")),
            Vectors.request("0", "", Vectors.three.replacing("—", with: "-")),
            Vectors.request("0", "", Vectors.three + "\n"), [0xff, 0x0a] + Vectors.request("0", "", Vectors.three),
        ]
        for body in bodies {
            #expect(witness.addCheckpoint(body).status == 400, "\(String(decoding: body, as: UTF8.self))")
        }
        // The same size in more than 63 lines is the boundary: 63 are read, and do not verify.
        let most = Vectors.request("0", String(repeating: hash, count: 63), Vectors.three)
        #expect(witness.addCheckpoint(most).status == 422)
        #expect(try witness.checkpoint(ofOriginHash: Vectors.originHash) == nil)
    }

    @Test("An old size above the checkpoint's is answered 400")
    func oldSizeTooLarge() throws {
        let witness = try Witness.ofVectors(disk, clock: clock)
        #expect(witness.post(Vectors.request("4", "", Vectors.three)).status == 400)
    }

    @Test("A log that is not known is answered 404, and so is the checkpoint of one that was never cosigned")
    func unknownLog() throws {
        let other = try LedgerKey(name: "other.example/log", seed: Array(0..<32)).verifierKey.description
        let witness = try Witness.ofVectors(disk, clock: clock, logs: [other])
        #expect(witness.post(Vectors.request("0", "", Vectors.three)).status == 404)
        #expect(try witness.checkpoint(ofOriginHash: Witness.hash(of: "other.example/log")) == nil)
        #expect(try witness.checkpoint(ofOriginHash: "../keys/witness") == nil)
    }

    @Test("A checkpoint without a valid signature of the log is answered 403")
    func badSignature() throws {
        let witness = try Witness.ofVectors(disk, clock: clock)
        let forged = Vectors.three.replacing("q4wsf", with: "q5wsf")
        #expect(witness.post(Vectors.request("0", "", forged)).status == 403)
        let unsigned = Vectors.three.replacing("— custody/0123abcd Iaty3q", with: "— custody/0123abcd Iaty4q")
        #expect(witness.post(Vectors.request("0", "", unsigned)).status == 403)
        // A failing signature of a known key spoils the note, however many good ones there are.
        let both = Vectors.three + forged.split(separator: "\n\n")[1]
        #expect(witness.post(Vectors.request("0", "", both)).status == 403)
        let foreign = Vectors.three + "— other.example AAAAAAAA\n"
        #expect(witness.post(Vectors.request("0", "", foreign)).status == 200)
    }

    @Test("Another old size than the one that was cosigned is answered 409 with it")
    func conflict() throws {
        let witness = try Witness.ofVectors(disk, clock: clock)
        let ahead = witness.post(Vectors.request("3", Vectors.proofFromThreeToFive, Vectors.five))
        #expect(ahead == (409, "text/x.tlog.size", "0\n"))
        #expect(witness.post(Vectors.request("0", "", Vectors.three)).status == 200)
        #expect(witness.post(Vectors.request("0", "", Vectors.five)) == (409, "text/x.tlog.size", "3\n"))
        // A rollback looks like this: the log is shorter than what was cosigned.
        #expect(
            witness.post(Vectors.request("3", Vectors.proofFromThreeToFive, Vectors.five)).status == 200)
        #expect(witness.post(Vectors.request("3", "", Vectors.three)) == (409, "text/x.tlog.size", "5\n"))
    }

    @Test("What does not follow from what was cosigned is answered 422, and not cosigned")
    func inconsistent() throws {
        let witness = try Witness.ofVectors(disk, clock: clock)
        let proof = Vectors.proofFromThreeToFive
        #expect(witness.post(Vectors.request("0", "", Vectors.emptyWithRoot)).status == 422)
        #expect(witness.post(Vectors.request("0", proof, Vectors.three)).status == 422)
        #expect(witness.post(Vectors.request("0", "", Vectors.empty)).status == 200)
        #expect(witness.post(Vectors.request("0", "", Vectors.three)).status == 200)
        for (proof, note) in [
            ("", Vectors.five), (proof, Vectors.otherFive), ("", Vectors.otherThree), (proof, Vectors.three),
            (String(proof.split(separator: "\n").dropLast().joined(separator: "\n")) + "\n", Vectors.five),
        ] {
            #expect(witness.post(Vectors.request("3", proof, note)).status == 422)
        }
        let kept = try #require(try witness.checkpoint(ofOriginHash: Vectors.originHash))
        #expect(String(decoding: kept, as: UTF8.self) == Vectors.three + Vectors.answerToThree)
    }

    @Test("Of checkpoints that arrive together, each is cosigned on top of the other or not at all")
    func concurrency() async throws {
        let key = try LedgerKey(name: "custody/0123abcd", seed: Array(0..<32))
        let tree = TreeOfLeaves(size: 40)
        let witness = try Witness.ofVectors(disk, clock: clock)
        func request(_ old: Int, _ new: Int) throws -> [UInt8] {
            let signed = try SignedCheckpoint(
                signing: Checkpoint(origin: key.verifierKey.name, size: UInt64(new), root: tree.root(new)), with: key)
            let proof = old == 0 ? [] : try tree.consistencyProof(from: old, to: new)
            return AddCheckpointRequest(oldSize: UInt64(old), proof: proof, note: signed.note).bytes
        }
        var size = 0
        // Every round, eight submitters know the same size and want to add one to eight leaves to it.
        for _ in 0..<4 {
            let requests = try (1...8).map { try request(size, size + $0) }
            let answers = await withTaskGroup(of: (Int, Witness.Answer).self) { group in
                for (step, body) in requests.enumerated() {
                    group.addTask { (step + 1, witness.addCheckpoint(body)) }
                }
                return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
            let cosigned = answers.filter { $0.value.status == 200 }
            #expect(cosigned.count == 1)
            size += try #require(cosigned.first).key
            #expect(answers.values.count { $0.status == 409 } == 7)
        }
    }

    @Test("After power loss at any operation, no answer is contradicted by a later one")
    func crash() throws {
        var operation = 1
        while true {
            let disk = FaultingFileSystem(seed: UInt64(operation))
            disk.setFaults([Fault(atOperation: operation, .powerLoss)])
            var cosigned: UInt64 = 0
            var isFinished = false
            if let witness = try? Witness.ofVectors(disk, clock: clock) {
                if witness.post(Vectors.request("0", "", Vectors.three)).status == 200 { cosigned = 3 }
                let proof = Vectors.proofFromThreeToFive
                if witness.post(Vectors.request("3", proof, Vectors.five)).status == 200 { cosigned = 5 }
                isFinished = cosigned == 5
            }
            disk.restartMachine()
            let witness = try Witness.ofVectors(disk, clock: clock)
            let kept = try witness.checkpoint(ofOriginHash: Vectors.originHash)
                .map { try SignedCheckpoint(parsing: $0, verifiedBy: VerifierKey(parsing: Vectors.logKey)) }
            #expect(kept?.checkpoint.size ?? 0 >= cosigned, "operation \(operation)")
            // Whatever was answered, another tree of that size is refused now.
            if cosigned >= 3 {
                for old in ["0", "3", "5"] {
                    #expect(witness.post(Vectors.request(old, "", Vectors.otherFive)).status != 200)
                }
            }
            if isFinished { break }
            operation += 1
        }
        #expect(operation > 8)
    }

    @Test("After a failed synchronisation nothing more is cosigned until a restart")
    func failedSynchronization() throws {
        var refused = 0
        for operation in 1...12 {
            let disk = FaultingFileSystem(seed: UInt64(operation))
            let witness = try Witness.ofVectors(disk, clock: clock)
            disk.setFaults([Fault(atOperation: operation, .shortWrite(.ioError))])
            guard witness.post(Vectors.request("0", "", Vectors.three)).status == 500 else { continue }
            refused += 1
            #expect(witness.post(Vectors.request("0", "", Vectors.three)).status == 500)
            disk.restartMachine()
            let again = try Witness.ofVectors(disk, clock: clock)
            let status = again.post(Vectors.request("0", "", Vectors.three)).status
            #expect(status == 200 || status == 409)
        }
        #expect(refused > 0)
    }

    @Test("A stored checkpoint that was altered is no reason to begin anew")
    func alteredState() throws {
        let witness = try Witness.ofVectors(disk, clock: clock)
        #expect(witness.post(Vectors.request("0", "", Vectors.three)).status == 200)
        let path = FilePath("/witness").appending(Vectors.originHash + ".checkpoint")
        try disk.writeAtomically(Array("gone\n".utf8), to: path)
        let reopened = try Witness.ofVectors(disk, clock: clock)
        #expect(reopened.post(Vectors.request("0", "", Vectors.otherFive)).status == 500)
    }

    @Test("While a log changes its key, a signature of either is enough")
    func twoKeys() throws {
        let new = try LedgerKey(name: "custody/0123abcd", seed: Array(64..<96))
        let witness = try Witness.ofVectors(
            disk, clock: clock, logs: [Vectors.logKey, new.verifierKey.description])
        #expect(witness.post(Vectors.request("0", "", Vectors.three)).status == 200)
        let text = Array(Vectors.five.split(separator: "\n\n")[0].utf8) + [0x0a]
        let note = String(decoding: try SignedNote(signing: text, with: new).bytes, as: UTF8.self)
        #expect(witness.post(Vectors.request("3", Vectors.proofFromThreeToFive, note)).status == 200)
    }

    @Test("A witness' key is made once, kept for its owner alone, and read back")
    func keyFile() throws {
        var generator = SystemRandomNumberGenerator()
        try disk.createDirectory("/keys")
        let made = try WitnessKey.load(
            from: "/keys/witness.key", in: disk, orCreateNamed: { "custody-witness/1" }, using: &generator)
        let read = try WitnessKey.load(
            from: "/keys/witness.key", in: disk, orCreateNamed: { "custody-witness/2" }, using: &generator)
        #expect(made.verifierKey == read.verifierKey && read.verifierKey.type == .cosignature)
        let parsed = try VerifierKey(parsing: read.verifierKey.description, as: .cosignature)
        #expect(parsed == read.verifierKey)
        #expect(throws: LedgerError.self) { try VerifierKey(parsing: read.verifierKey.description) }
        #expect(throws: LedgerError.self) { try VerifierKey(parsing: Vectors.logKey, as: .cosignature) }
    }
}

extension TreeOfLeaves {
    /// PROOF, RFC 6962, section 2.1.2.
    func consistencyProof(from old: Int, to new: Int) throws -> [TreeHash] {
        func sub(_ count: Int, _ range: Range<Int>, _ isWhole: Bool) -> [TreeHash] {
            if count == range.count { return isWhole ? [] : [hash(range)] }
            var half = 1
            while half * 2 < range.count { half *= 2 }
            let middle = range.lowerBound + half
            return count <= half
                ? sub(count, range.lowerBound..<middle, isWhole) + [hash(middle..<range.upperBound)]
                : sub(count - half, middle..<range.upperBound, false) + [hash(range.lowerBound..<middle)]
        }
        return sub(old, 0..<new, true)
    }
}
