import Dispatch
import Foundation

/// A pipe from the watch to the push, which reads it like any other pipe.
///
/// Written on a thread of its own: a push that waits for its server holds the watch up, and nothing else.
final class ObservationPipe: Sendable {
    let readEnd: Int32
    private let writeEnd: Int32
    private let queue = DispatchQueue(label: "custody.push.kubernetes")

    /// - Throws: ``CommandFailure`` when the process has no descriptors left.
    init() throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0, ends.allSatisfy({ fcntl($0, F_SETFD, FD_CLOEXEC) == 0 }) else {
            throw CommandFailure(.unreachable, "no pipe: \(String(cString: strerror(errno)))")
        }
        (readEnd, writeEnd) = (ends[0], ends[1])
        // A push that has ended is told by the error of the write, not by a signal.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Writes all bytes, after those of earlier calls, then calls back; writes nothing when nobody reads any more.
    func write(_ bytes: [UInt8], _ completion: @escaping @Sendable () -> Void) {
        queue.async { [writeEnd] in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { Foundation.write(writeEnd, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                rest = rest.dropFirst(count)
            }
            completion()
        }
    }

    /// No more will come.
    func closeWriteEnd() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            queue.async { [writeEnd] in
                close(writeEnd)
                continuation.resume()
            }
        }
    }

    func closeReadEnd() { close(readEnd) }
}
