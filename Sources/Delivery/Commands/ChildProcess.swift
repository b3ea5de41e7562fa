import CSpawn
import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// A program started by `posix_spawn` in a process group of its own, with two files and nothing else of ours open.
///
/// Foundation's `Process` is not used by the server: before each start it lists the process' descriptors and copies 256 bytes of
/// every directory entry, whatever its length. With some 1,350 descriptors the last entries lie at the end of the buffer, and
/// where that is the end of its memory too, the server dies. A server with a thousand clients has that many.
struct ChildProcess: ~Copyable {
    /// How it ended.
    enum Ending: Equatable, CustomStringConvertible {
        case exit(Int32)
        case signal(Int32)

        var description: String {
            switch self {
            case .exit(let status): "ended with status \(status)"
            case .signal(let number): "was ended by signal \(number)"
            }
        }
    }

    private let pid: pid_t
    private var ending: Ending?

    /// Starts a program.
    /// - Parameters:
    ///   - input: read as its standard input.
    ///   - output: takes its standard output and error.
    /// - Throws: `POSIXError` when it cannot be started.
    init(
        _ arguments: [String], environment: [String: String], directory: String, input: FileHandle, output: FileHandle
    ) throws {
        var pid = pid_t()
        let code = withCStrings(arguments) { words in
            withCStrings(environment.map { "\($0.key)=\($0.value)" }) { variables in
                custody_spawn(
                    &pid, arguments[0], words, variables, directory, input.fileDescriptor, output.fileDescriptor)
            }
        }
        guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EINVAL) }
        self.pid = pid
    }

    /// How it ended; nil while it runs. Does not wait.
    mutating func poll() -> Ending? {
        if let ending { return ending }
        var status: Int32 = 0
        guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
        let signal = status & 0x7F
        ending = signal == 0 ? .exit(status >> 8 & 0xFF) : .signal(signal)
        return ending
    }

    /// Ends it and what it started in its process group at once, and takes its remains.
    mutating func stop() {
        guard ending == nil else { return }
        kill(-pid, SIGKILL)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) == -1, errno == EINTR {}
        ending = .signal(SIGKILL)
    }
}

/// Texts as the null-terminated array that `exec` takes, for as long as the body runs.
private func withCStrings<Result>(
    _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) throws -> Result
) rethrows -> Result {
    let pointers = texts.map { strdup($0) }
    defer { pointers.forEach { free($0) } }
    return try body(pointers + [nil])
}
