import ArgumentParser
import CustodyServer
import Foundation
import SystemPackage

struct WitnessCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "witness",
        abstract: "Cosign the checkpoints of other ledgers.",
        discussion: """
            A witness (C2SP tlog-witness) cosigns a checkpoint only when it extends the one that it cosigned before, so \
            that no ledger can show two histories. The `log` lines of the policy say whose checkpoints those are. The \
            first start makes a key and prints the line that the logs' policies need.

              log custody/0123abcd+21ab72de+AQOh…
              quorum none
            """)

    @Option(help: "The witness' own directory: its key and the checkpoints it cosigned.")
    var data = "custody-witness"
    @Option(help: ArgumentHelp("The address to listen on.", valueName: "host:port"))
    var listen = "127.0.0.1:8401"
    @Option(help: ArgumentHelp("A policy (C2SP tlog-policy) whose logs are cosigned.", valueName: "file"))
    var policy: String

    func run() async throws {
        var address = ServerConfiguration()
        do {
            try address.listen(on: listen)
            let run = try WitnessRun(
                data: FilePath(data), host: address.host, port: address.port,
                policy: try ServerConfiguration.policy(at: policy))
            try await run.run()
        } catch {
            FileHandle.standardError.write(Data("custody witness: \(error)\n".utf8))
            throw ExitCode(error is ConfigurationError ? 64 : 1)
        }
    }
}
