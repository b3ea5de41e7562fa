import DurableFiles
import EventModel
import Foundation
import Synchronization

@testable import custody

/// One run of the program inside the test: what it printed, and its exit status.
struct CommandRun {
    var status: Int32
    var output: String
    var errors: String
    /// How long it would have waited, in order.
    var waits: [Duration]

    var lines: [String] { output.split(separator: "\n").map(String.init) }
}

/// Runs commands with an environment of their own.
struct CommandBench {
    var environment: [String: String] = ["CUSTODY_TOKEN": "a-token-for-tests"]
    var width: Int?
    var usesColour = false
    var showsProgress = false
    var fileSystem: any FileSystem = RealFileSystem()
    /// 2026-11-24T00:00:00Z.
    var now = Timestamp(seconds: 1_795_478_400)

    /// Over all runs: no two batches of one test have the same key.
    private static let keys = Counter()

    private final class Record: Sendable {
        let output = Mutex<[UInt8]>([])
        let errors = Mutex<[UInt8]>([])
        let waits = Mutex<[Duration]>([])
        let ticks = Mutex<Int64>(0)
    }

    /// Runs one command.
    ///
    /// - Parameter input: What standard input holds; it is a pipe.
    func run(_ arguments: String..., input: String = "") async -> CommandRun {
        await run(arguments, input: Array(input.utf8))
    }

    func run(_ arguments: [String], input: [UInt8]) async -> CommandRun {
        let record = Record()
        let pipe = Pipe()
        let feeding = Task.detached {
            try? pipe.fileHandleForWriting.write(contentsOf: input)
            try? pipe.fileHandleForWriting.close()
        }
        let start = now
        let context = CommandContext(
            console: Console(
                writeOutput: { bytes in record.output.withLock { $0 += bytes } },
                writeError: { bytes in record.errors.withLock { $0 += bytes } }, width: width, usesColour: usesColour,
                showsProgress: showsProgress),
            environment: environment, standardInput: pipe.fileHandleForReading.fileDescriptor, fileSystem: fileSystem,
            now: {
                // Each look at the clock is a millisecond later, so that batches have an order.
                start.advanced(
                    byNanoseconds: record.ticks.withLock {
                        $0 += 1_000_000; return $0
                    })
            },
            sleep: { duration in record.waits.withLock { $0.append(duration) } },
            newKey: { "key\(Self.keys.next())" })
        let status = await CommandContext.$current.withValue(context) { await Custody.run(arguments) }
        await feeding.value
        return CommandRun(
            status: status, output: record.output.withLock { String(decoding: $0, as: UTF8.self) },
            errors: record.errors.withLock { String(decoding: $0, as: UTF8.self) },
            waits: record.waits.withLock { $0 })
    }
}

/// A directory that goes away with the test.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "custody-command-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file and returns its path.
    func file(_ name: String, _ content: String) throws -> String {
        let file = path + "/" + name
        try Data(content.utf8).write(to: URL(fileURLWithPath: file))
        return file
    }
}
