import Foundation
import Testing

@testable import Delivery

@Suite("Commands as destinations")
struct CommandRunnerTests {
    private let runner = CommandRunner()

    private func reason(_ script: String, timeout: Duration = .seconds(120)) async -> String {
        do {
            try await runner.run(
                ["/bin/sh", "-c", script], input: Data("hello".utf8), environment: ["CUSTODY_NOTIFICATION": "m"],
                timeout: timeout)
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test("It gets the message on standard input and no more of our environment than was meant")
    func input() async {
        #expect(await reason(#"test "$(cat)" = hello && test "$CUSTODY_NOTIFICATION" = m && test -z "$HOME""#) == "")
    }

    @Test("A failure tells the status and the first line")
    func failure() async {
        #expect(await reason("echo no disk; exit 3").contains("status 3: no disk"))
        let missing = await #expect(throws: DeliveryError.self) {
            try await runner.run(["/nonexistent"], input: Data(), environment: [:], timeout: .seconds(120))
        }
        #expect(missing?.code == .unreachable)
    }

    @Test("It gets no descriptor of ours but its three")
    func descriptors() async throws {
        // Not marked to be closed on exec, as a library might open it.
        let leaked = dup(STDIN_FILENO)
        defer { close(leaked) }
        #expect(fcntl(leaked, F_SETFD, 0) == 0)
        #expect(await reason("test -e /proc/self/fd/2 && test ! -e /proc/$$/fd/\(leaked)") == "")
    }

    @Test("One that a signal ended is told from one that gave up")
    func signal() async {
        #expect(await reason("kill -TERM $$").contains("was ended by signal 15"))
    }

    @Test("One that takes too long or says too much is stopped")
    func bounds() async {
        #expect(await reason("sleep 60", timeout: .milliseconds(100)).contains("was stopped"))
        #expect(
            await reason("while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done").contains("wrote more"))
    }
}
