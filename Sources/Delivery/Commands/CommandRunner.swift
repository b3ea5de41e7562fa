package import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// How programs are run; tests have their own.
package protocol CommandRunning: Sendable {
    /// Runs a program with text on its standard input and waits for its end.
    /// - Throws: ``DeliveryError`` when it cannot be started, fails or takes too long.
    func run(_ arguments: [String], input: Data, environment: [String: String], timeout: Duration) async throws
}

/// Runs programs as children of the server: no shell, an environment of our own, bounded in time and output.
package struct CommandRunner: CommandRunning {
    /// Bytes that a program may write: it is there to take something in. One that says more is stopped.
    package static let maximumOutputBytes = 64 << 10

    package init() {}

    package func run(
        _ arguments: [String], input: Data, environment: [String: String], timeout: Duration
    ) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            // Waiting for a child blocks; that is no work for the shared pool.
            Thread.detachNewThread {
                continuation.resume(
                    with: Result { try Self.runBlocking(arguments, input, environment, timeout) })
            }
        }
    }

    private static func runBlocking(
        _ arguments: [String], _ input: Data, _ environment: [String: String], _ timeout: Duration
    ) throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("custody-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: directory, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(at: directory) }
        // Files instead of pipes: neither a program that does not read nor one that does not stop writing can block us.
        let stdin = directory.appendingPathComponent("input")
        let stdout = directory.appendingPathComponent("output")
        try input.write(to: stdin)
        try Data().write(to: stdout)
        let output = try FileHandle(forWritingTo: stdout)
        var process: ChildProcess
        do {
            process = try ChildProcess(
                arguments,
                environment: environment.merging(["PATH": "/usr/local/bin:/usr/bin:/bin"]) { given, _ in given },
                directory: directory.path, input: FileHandle(forReadingFrom: stdin), output: output)
        } catch {
            throw DeliveryError(.unreachable, "the program \(arguments[0]) cannot be started")
        }
        let ending = try wait(for: &process, arguments[0], timeout, output: output)
        guard ending != .exit(0) else { return }
        let said = firstLine(of: stdout)
        throw DeliveryError(.badAnswer, "the program \(ending)\(said.isEmpty ? "" : ": \(said)")")
    }

    private static func wait(
        for process: inout ChildProcess, _ name: String, _ timeout: Duration, output: FileHandle
    ) throws -> ChildProcess.Ending {
        let deadline = ContinuousClock.now + timeout
        while true {
            if let ending = process.poll() { return ending }
            var file = stat()
            let isOverlong = fstat(output.fileDescriptor, &file) == 0 && file.st_size > maximumOutputBytes
            if isOverlong || ContinuousClock.now >= deadline {
                // It gets no second chance to ignore us, and neither does what it started in its process group.
                process.stop()
                throw DeliveryError(
                    .unreachable,
                    isOverlong
                        ? "the program \(name) wrote more than \(maximumOutputBytes) bytes and was stopped"
                        : "the program \(name) took longer than \(timeout) and was stopped")
            }
            Thread.sleep(forTimeInterval: 0.01)
        }
    }

    private static func firstLine(of file: URL) -> String {
        let text = (try? FileHandle(forReadingFrom: file).read(upToCount: 512)) ?? nil
        let line = String(decoding: text ?? Data(), as: UTF8.self).split(separator: "\n").first ?? ""
        return String(
            line.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }.map(Character.init).prefix(200))
    }
}
