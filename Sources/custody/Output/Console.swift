import Foundation

/// Where a command's output goes: results to standard output, everything else to standard error.
struct Console: Sendable {
    /// Ends with an error when nobody reads any more.
    var writeOutput: @Sendable ([UInt8]) throws -> Void
    var writeError: @Sendable ([UInt8]) -> Void
    /// Columns of the terminal; nil when standard output is no terminal.
    var width: Int?
    var usesColour: Bool
    /// Whether standard error is a terminal: progress is shown only there.
    var showsProgress: Bool

    var isTerminal: Bool { width != nil }

    /// The console of this process. `NO_COLOR` (no-color.org) and `TERM=dumb` turn colour off.
    static let process: Console = {
        let environment = ProcessInfo.processInfo.environment
        let isTerminal = isatty(1) == 1
        let isPlain = !(environment["NO_COLOR"] ?? "").isEmpty || environment["TERM"] == "dumb"
        return Console(
            writeOutput: { try write($0, to: 1) }, writeError: { try? write($0, to: 2) },
            width: isTerminal ? terminalWidth(environment) : nil, usesColour: isTerminal && !isPlain,
            showsProgress: isatty(2) == 1)
    }()

    /// Writes one line of text. It must hold no control characters of others: see ``VisibleText``.
    func line(_ text: String) throws { try writeOutput(Array((text + "\n").utf8)) }

    /// Writes lines.
    func lines(_ lines: [String]) throws {
        guard !lines.isEmpty else { return }
        try writeOutput(Array((lines.joined(separator: "\n") + "\n").utf8))
    }

    /// Says something beside the result. Control characters are made visible.
    func note(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { VisibleText.of(String($0)) }
        writeError(Array((lines.joined(separator: "\n") + "\n").utf8))
    }

    /// Replaces the progress line; says nothing where standard error is no terminal.
    func progress(_ text: String) {
        if showsProgress { writeError(Array("\r\u{1B}[K\(text)".utf8)) }
    }

    /// Clears the progress line.
    func endProgress() {
        if showsProgress { writeError(Array("\r\u{1B}[K".utf8)) }
    }

    func bold(_ text: String) -> String { usesColour ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
    func dim(_ text: String) -> String { usesColour ? "\u{1B}[2m\(text)\u{1B}[0m" : text }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if written >= 0 {
                rest = rest.dropFirst(written)
            } else if errno != EINTR && errno != EAGAIN {
                throw OutputClosed()
            }
        }
    }

    private static func terminalWidth(_ environment: [String: String]) -> Int {
        var size = winsize()
        if ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
        return environment["COLUMNS"].flatMap { Int($0) }.map { max($0, 20) } ?? 80
    }
}

/// Nobody reads standard output any more (`custody search … | head`). The command ends quietly.
struct OutputClosed: Error {}

extension Console {
    /// Writes what a source sent: byte for byte, but on a terminal with control characters written out.
    func writePayload(_ bytes: [UInt8]) throws {
        guard isTerminal else { return try writeOutput(bytes) }
        let text = VisibleText.ofLines(String(decoding: bytes, as: UTF8.self))
        try writeOutput(Array((text.last == "\n" ? text : text + "\n").utf8))
    }
}
