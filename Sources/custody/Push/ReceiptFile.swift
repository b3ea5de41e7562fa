import DurableFiles
import EventModel
import SystemPackage

/// Appends one line for each answer to a file: what was acknowledged, by whom and when.
struct ReceiptFile: Sendable {
    private let file: any File
    private let server: String
    private let source: String?
    private let context: CommandContext

    /// - Throws: ``CommandFailure`` `refused` when the file cannot be written.
    init(path: String, server: String, source: String?, context: CommandContext) throws {
        self.server = server
        self.source = source
        self.context = context
        do {
            file = try context.fileSystem.open(FilePath(path), .openOrCreate(.privateFile))
        } catch {
            throw CommandFailure(.refused, "receipts cannot be kept: \(error)")
        }
    }

    /// Durable when it returns.
    func append(_ answer: PushAnswer, key: String) throws {
        var line = JSONObject()
        line.add("first_index", answer.firstIndex)
        line.add("last_index", answer.lastIndex)
        line.add("accepted", answer.accepted)
        line.add("duplicates", answer.duplicates)
        line.add("rejected", answer.rejected.count)
        line.add("server", server)
        line.add("source", source)
        line.add("idempotency_key", key)
        line.add("time", context.now().text)
        line.add("receipt", answer.receipt)
        do {
            try file.append(line.line)
            try file.synchronizeData()
        } catch {
            throw CommandFailure(.refused, "receipts cannot be kept: \(error)")
        }
    }
}
