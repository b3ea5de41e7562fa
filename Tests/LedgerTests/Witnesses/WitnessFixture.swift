import DurableFiles
import Synchronization
import SystemPackage

@testable import Ledger

/// Literal requests and answers of a log of five leaves `leaf 0` … `leaf 4` and its witness, made with Python's
/// `cryptography`: seeds 00…1f and 20…3f, times 1795435200 and three seconds later.
enum WitnessVectors {
    static let logKey = "custody/0123abcd+21ab72de+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
    static let witnessKey = "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X"
    static let originHash = "718c02e0193687786d62eb931d4d24524ae145e4fdad24faf6bc83dbae24ed8e"
    static let time: UInt64 = 1_795_435_200

    static let three = """
        custody/0123abcd
        3
        1Pksj7uJcg6ztVZ3x9fvrd/rENEaGoSguo8aIzN/qpU=

        — custody/0123abcd Iaty3q4wsf/Bf2OtvEiAjT7YofIM36cCyK9OTwXsGwwc10ZgPQfcHOX+IgBQyDPDs4BhChBKbsiFqbvA55UD1t1VtgU=

        """
    static let five = """
        custody/0123abcd
        5
        NBUVmC1lDiNSDb1U1/zwr6G3DMOhakEdRk3JwayWwwE=

        — custody/0123abcd Iaty3qxBlNXH0P+4piTTxMevkMwQb0I2auotLBcAojjJ6sUDVSin8K2eX9UGAqesGoQVXputWs6YfbjTrYK3txmz/Ac=

        """
    /// Size 5 with another last leaf, signed all the same; and size 3 with another first one.
    static let otherFive = """
        custody/0123abcd
        5
        QL1q7hUmgFPh6dVvqowCyx1+3lBp5Kyg7esG/XQ8vEA=

        — custody/0123abcd Iaty3q9sUwdo1ICznMIbbcVCHc1GxyZNq1K9XZJ/56l4BsvK9MNuErXnlhOqoYQExenASk5I9g7sNlrblGEPbmN7fAU=

        """
    static let otherThree = """
        custody/0123abcd
        3
        1c9HG1gBlesiHDEZD5G5JW/yUKU07JAcPPLO3otv0mE=

        — custody/0123abcd Iaty3r2sHRUb7lSmHzkkkbrC6njeQgk9q6QfiNtoVQebY4Cn8c9o/w4ZNQnVAC8E47zDBwASaYRqNqydmZJSXK4zWws=

        """
    static let empty = """
        custody/0123abcd
        0
        47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=

        — custody/0123abcd Iaty3jmwXHv/rfszIc8UF78KOhrGCtZN1Uc1G4An8S2XlQobYZf07WhkFvJ17nPbuOdZLzcBHjbFZC8OPxijgKoDsAc=

        """
    static let emptyWithRoot = """
        custody/0123abcd
        0
        NBUVmC1lDiNSDb1U1/zwr6G3DMOhakEdRk3JwayWwwE=

        — custody/0123abcd Iaty3jbl391lJNq0dy/6ckcpg/LM90SoGI2pKvqN611J1Ki0oF6B6xmyj2Na/KNSNUq0Urk/kR4UkDGv7xHZCXNv0ww=

        """
    static let proofFromThreeToFive = """
        qze6NNHf4pAV3nF6bVdkqPsCnDp6D1tkuTtUNRiFv3w=
        WL0UluFoSqySAcLmh+565PUclqiw2B7zWDYouT0800U=
        /F9riP+FVPdbsvnm85wxsZNtRLaSdu33sSBalVuXYeM=
        gxFfiUeVX6/cKifn9MCFS72Nonuxs+NAXbVxya+Nvho=

        """

    /// The answers to the first and to the second checkpoint.
    static let answerToThree =
        "— witness.example/w1 IDJKvgAAAABrBCrA+d+8co+T7Nd8GS7YQgBSJ34Sg13Bf1zHgfBQUkG7jKUrUvxEKLsQ+Q1QFMtx8KxqiUHWgC+GSGH+wR5i9XyGBA==\n"
    static let answerToFive =
        "— witness.example/w1 IDJKvgAAAABrBCrDW46MljXr3lEO4aFrg0Z+y3R0hXn1Sxn8t/IGOltQasSr8OGksKYfF9TaX/TPkNkITlIoTTvL8X2Zw89awY44CA==\n"

    static func request(_ old: String, _ proof: String, _ note: String) -> [UInt8] {
        Array("old \(old)\n\(proof)\n\(note)".utf8)
    }
}

/// A clock that stands until it is moved.
final class SecondClock: Sendable {
    private let seconds: Mutex<UInt64>

    init(_ start: UInt64) { seconds = Mutex(start) }

    var now: UInt64 { seconds.withLock { $0 } }
    func advance(by count: UInt64) { seconds.withLock { $0 += count } }
}

extension Witness {
    /// The witness of the vectors.
    static func ofVectors(
        _ fileSystem: any FileSystem, directory: FilePath = "/witness", clock: SecondClock,
        logs: [String] = [WitnessVectors.logKey]
    ) throws -> Witness {
        try Witness(
            directory: directory, fileSystem: fileSystem,
            key: WitnessKey(name: "witness.example/w1", seed: Array(32..<64)),
            logs: try logs.map { try VerifierKey(parsing: $0) }, now: { clock.now })
    }

    func post(_ body: [UInt8]) -> (status: Int, type: String, text: String) {
        let answer = addCheckpoint(body)
        return (answer.status, answer.contentType, String(decoding: answer.body, as: UTF8.self))
    }
}
