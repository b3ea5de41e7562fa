/// A program of the operator's that takes notifications on its standard input.
struct CommandTarget: Sendable {
    static let maximumArguments = 64

    /// The program, by its absolute path, and its arguments. No shell reads them.
    let arguments: [String]

    /// - Throws: ``DeliveryError``.
    init(_ settings: DestinationSettings, name: String) throws {
        guard let arguments = settings.command, (1...Self.maximumArguments).contains(arguments.count),
            arguments[0].hasPrefix("/"), !arguments.contains(where: { $0.contains("\0") })
        else {
            throw DeliveryError(
                .invalidDestination,
                "the destination \(name) needs `command`: a program's absolute path and its arguments, as a list")
        }
        self.arguments = arguments
    }
}
