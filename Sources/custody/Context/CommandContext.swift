import DurableFiles
import EventModel
import Foundation
import SystemPackage

/// What a command takes from the world around it: console, environment, clock, disk, chance.
///
/// Commands read ``current``; tests put another in its place for one task.
struct CommandContext: Sendable {
    var console: Console
    var environment: [String: String]
    var standardInput: Int32
    var fileSystem: any FileSystem
    var now: @Sendable () -> Timestamp
    var sleep: @Sendable (Duration) async throws -> Void
    /// A key that no other batch has: 128 random bits in hexadecimal.
    var newKey: @Sendable () -> String
    /// The servers that the command has talked to.
    var contacts = ServerContacts()

    @TaskLocal static var current = CommandContext.process

    /// The running process.
    static let process = CommandContext(
        console: .process, environment: ProcessInfo.processInfo.environment, standardInput: 0,
        fileSystem: RealFileSystem(), now: { Timestamp(seconds: 0).advanced(byNanoseconds: nanosecondsOfEpoch()) },
        sleep: { try await Task.sleep(for: $0) }, newKey: randomKey)

    /// The value of an environment variable; nil when it is not set or empty.
    func variable(_ name: String) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Where commands keep what they remember between runs: `$XDG_STATE_HOME/custody`, else `~/.local/state/custody`; nil without a
    /// home.
    var stateDirectory: FilePath? {
        let state = variable("XDG_STATE_HOME") ?? variable("HOME").map { $0 + "/.local/state" }
        return state.map { FilePath($0).appending("custody") }
    }

    private static func nanosecondsOfEpoch() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    @Sendable private static func randomKey() -> String {
        (0..<2).map { _ in
            let word = String(UInt64.random(in: .min ... .max), radix: 16)
            return String(repeating: "0", count: 16 - word.utf8.count) + word
        }.joined()
    }
}
