import EventModel
import Foundation

/// The figures of a benchmark with the machine that they were measured on.
struct BenchReport {
    private var lines: [(name: String, value: String)] = []

    init() {
        add("cores", "\(ProcessInfo.processInfo.activeProcessorCount)")
        add("processor", Self.processor)
        add("system", ProcessInfo.processInfo.operatingSystemVersionString)
        #if DEBUG
            add("build", "debug: these figures mean nothing, build with -c release")
        #else
            add("build", "release")
        #endif
    }

    mutating func add(_ name: String, _ value: String) { lines.append((name, value)) }

    func print(asJSON: Bool) {
        guard !asJSON else {
            var bytes: [UInt8] = Array("{".utf8)
            for (position, line) in lines.enumerated() {
                if position > 0 { bytes.append(UInt8(ascii: ",")) }
                JSONText.appendString(line.name, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                if Double(line.value) != nil {
                    bytes += line.value.utf8
                } else {
                    JSONText.appendString(line.value, to: &bytes)
                }
            }
            Swift.print(String(decoding: bytes, as: UTF8.self) + "}")
            return
        }
        let width = lines.map(\.name.count).max() ?? 0
        for line in lines {
            Swift.print(line.name.padding(toLength: width + 2, withPad: " ", startingAt: 0) + line.value)
        }
    }

    /// Three significant digits are more than such figures repeat.
    static func number(_ value: Double) -> String {
        value >= 100 ? String(Int(value.rounded())) : String(format: "%.2f", value)
    }

    private static var processor: String {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
        return line.flatMap { $0.split(separator: ":").last }.map { $0.trimmingCharacters(in: .whitespaces) }
            ?? "unknown"
    }
}
