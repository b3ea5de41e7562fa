/// How many bytes a second the views give back while senders wait for room, over the last seconds of that.
///
/// By Little's law, a house of so many bytes for a second holds each of them for a second. A house too small to keep the views
/// busy grows again: what passes through it in a ``Admission/residence`` is more than it holds, for a delivery alone in it
/// takes a fraction of that.
struct AdmissionPace: Sendable {
    /// What is measured before anything is said: a few deliveries, for the first may come back late or together.
    static let leastMeasured = Duration.milliseconds(500)
    /// Beyond this, what was measured before counts half.
    static let memory = Duration.seconds(2)

    private var bytes = 0.0
    private var time = Duration.zero

    init() {}

    /// Bytes that came back, and the time since those before them did.
    mutating func add(_ bytes: Int, in time: Duration) {
        self.bytes += Double(bytes)
        self.time += time
        guard self.time > Self.memory else { return }
        self.bytes /= 2
        self.time /= 2
    }

    /// Nil as long as too little was measured.
    var bytesPerSecond: Double? { time < Self.leastMeasured ? nil : bytes / (time / .seconds(1)) }
}
