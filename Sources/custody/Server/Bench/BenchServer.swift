import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Synchronization

/// A server process on a throw-away directory, measured from outside.
final class BenchServer: Sendable {
    private static let startLimit = Duration.seconds(20)
    private static let requestLimit = TimeAmount.seconds(120)

    let url: String
    let token: String
    let directory: String
    private let port: Int
    private let running: Mutex<Process>

    private var process: Process { running.withLock { $0 } }

    private init(directory: String) throws {
        self.directory = directory
        port = Int.random(in: 20_000...60_000)
        url = "http://127.0.0.1:\(port)"
        token = (0..<4).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }.joined() + "-custody-bench"
        running = Mutex(try Self.launch(directory: directory, port: port, token: token))
    }

    /// - Parameter name: What the directory is called, before the number of this process.
    static func start(in parent: String, name: String = "bench") async throws -> BenchServer {
        let directory = parent + "/custody-\(name)-\(ProcessInfo.processInfo.processIdentifier)"
        let server = try BenchServer(directory: directory)
        try await server.waitUntilHealthy()
        return server
    }

    /// Stops the server, starts it again on the same directory, and returns the milliseconds until it answered.
    func restart() async throws -> Double {
        process.terminate()
        process.waitUntilExit()
        let start = ContinuousClock.now
        let fresh = try Self.launch(directory: directory, port: port, token: token)
        running.withLock { $0 = fresh }
        try await waitUntilHealthy()
        return (ContinuousClock.now - start).milliseconds
    }

    private static func launch(directory: String, port: Int, token: String) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["serve", "--data", directory, "--listen", "127.0.0.1:\(port)"]
        process.environment = ProcessInfo.processInfo.environment.merging(["CUSTODY_ADMIN_TOKEN": token]) { $1 }
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        return process
    }

    private func waitUntilHealthy() async throws {
        let deadline = ContinuousClock.now + Self.startLimit
        while ContinuousClock.now < deadline, process.isRunning {
            if (try? await send("GET", "/healthz", body: nil)) != nil { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        stop()
        throw CommandFailure(.unreachable, "the throw-away server did not start")
    }

    /// Asks the process to stop; returns at once.
    func terminate() { if process.isRunning { process.terminate() } }

    /// Waits until the process has ended; blocks the thread.
    func waitUntilExit() { process.waitUntilExit() }

    /// Stops the process and removes its directory.
    func stop() {
        if process.isRunning { process.terminate() }
        process.waitUntilExit()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// How soon a delivery that was told to wait is sent again: sooner than the answer's Retry-After, since the load that is
    /// waited for is the bench's own.
    private static let pause = Duration.milliseconds(20)

    /// Sends a request until it is taken: at saturation the server tells its clients to wait, and a client that waits is what
    /// is measured. The time that it takes counts the waiting.
    @discardableResult
    func send(_ method: String, _ path: String, body: [UInt8]?) async throws -> [UInt8] {
        let deadline = ContinuousClock.now + .nanoseconds(Self.requestLimit.nanoseconds)
        while true {
            if let answer = try await attempt(method, path, body: body, isLast: ContinuousClock.now > deadline) {
                return answer
            }
            try await Task.sleep(for: Self.pause)
        }
    }

    /// The answer; nil when the server wants the request again later.
    private func attempt(_ method: String, _ path: String, body: [UInt8]?, isLast: Bool) async throws -> [UInt8]? {
        var request = HTTPClientRequest(url: url + path)
        request.method = .init(rawValue: method)
        request.headers.add(name: "Authorization", value: "Bearer \(token)")
        if let body { request.body = .bytes(ByteBuffer(bytes: body)) }
        let response = try await HTTPClient.shared.execute(request, timeout: Self.requestLimit)
        let answer = Array(try await response.body.collect(upTo: 64 << 20).readableBytesView)
        if response.status == .tooManyRequests, !isLast { return nil }
        guard response.status == .ok else {
            throw CommandFailure(
                .unreachable, "the server answered \(response.status.code): \(String(decoding: answer, as: UTF8.self))")
        }
        return answer
    }

    func search(_ query: String) async throws {
        try await send("GET", "/v1/search?since=-366d&q=" + Self.encoded(query), body: nil)
    }

    /// Asks for the values of a field that begin with a text.
    func complete(_ field: String, _ prefix: String) async throws {
        try await send("GET", "/v1/fields/\(field)/values?prefix=" + Self.encoded(prefix), body: nil)
    }

    private static func encoded(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    }

    /// From here on ``peakMemory`` counts.
    func resetPeakMemory() {
        try? Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/\(process.processIdentifier)/clear_refs"))
    }

    /// Makes the machine read its files from the disk again.
    static func dropPageCache() throws {
        sync()
        guard let file = FileHandle(forWritingAtPath: "/proc/sys/vm/drop_caches") else {
            throw CommandFailure(.usage, "--cold needs root on Linux: the page cache cannot be dropped")
        }
        try file.write(contentsOf: Data("3".utf8))
        try file.close()
    }

    /// Waits until a count finds every event; returns the milliseconds that took.
    func waitUntilSearchable(_ events: Int) async throws -> Double {
        let start = ContinuousClock.now
        let wanted = "\"rows\":[[\(events)]]"
        while true {
            let path = "/v1/search?since=2000-01-01&q=source%3Abench%20%7C%20stats%20count"
            let text = String(decoding: try await send("GET", path, body: nil), as: UTF8.self)
            if text.contains(wanted) { break }
            guard ContinuousClock.now - start < .seconds(60) else {
                throw CommandFailure(.unreachable, "not every event was found within a minute: \(text)")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        return (ContinuousClock.now - start).milliseconds
    }

    /// Seconds of CPU that the process has used.
    var cpuSeconds: Double {
        let fields = text("stat").split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return 0 }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Bytes: the process's high-water mark.
    var peakMemory: Double {
        let line = text("status").split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return (line?.split(separator: " ").compactMap { Double($0) }.first ?? 0) * 1_024
    }

    var diskBytes: Int {
        guard let walk = FileManager.default.enumerator(atPath: directory) else { return 0 }
        return walk.reduce(0) { total, _ in total + ((walk.fileAttributes?[.size] as? Int) ?? 0) }
    }

    private func text(_ file: String) -> String {
        let path = "/proc/\(process.processIdentifier)/\(file)"
        return (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    }
}
