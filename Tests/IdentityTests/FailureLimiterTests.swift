import EventModel
import Identity
import Testing

private func second(_ second: Int64) -> Timestamp { Timestamp(seconds: 1_800_000_000 + second) }

@Suite("Limiting wrong credentials")
struct FailureLimiterTests {
    @Test("A client waits after the allowed failures, until its window ends")
    func waits() {
        var limiter = FailureLimiter(failuresPerWindow: 3)
        for failure in 0..<3 {
            #expect(limiter.retryAfter(client: "a", now: second(Int64(failure))) == nil)
            limiter.recordFailure(client: "a", now: second(Int64(failure)))
        }
        #expect(limiter.retryAfter(client: "a", now: second(10)) == 50)
        #expect(limiter.retryAfter(client: "a", now: second(59)) == 1)
        #expect(limiter.retryAfter(client: "a", now: second(60)) == nil)
        #expect(limiter.retryAfter(client: "b", now: second(10)) == nil)
        limiter.recordFailure(client: "a", now: second(60))
        #expect(limiter.retryAfter(client: "a", now: second(61)) == nil)
    }

    @Test("A clock that was set back locks nobody out")
    func clockSetBack() {
        var limiter = FailureLimiter(failuresPerWindow: 1)
        limiter.recordFailure(client: "a", now: second(1_000))
        #expect(limiter.retryAfter(client: "a", now: second(0)) == nil)
    }

    @Test("Memory is bounded, and the worst offenders are remembered longest")
    func bounded() {
        var limiter = FailureLimiter(failuresPerWindow: 2, maximumClients: 10)
        for _ in 0..<2 { limiter.recordFailure(client: "worst", now: second(0)) }
        for number in 0..<1_000 { limiter.recordFailure(client: "\(number)", now: second(1)) }
        #expect(limiter.count <= 10)
        #expect(limiter.retryAfter(client: "worst", now: second(2)) != nil)
    }

    @Test("Windows that are over make room")
    func oldWindowsMakeRoom() {
        var limiter = FailureLimiter(failuresPerWindow: 2, maximumClients: 10)
        for number in 0..<10 { limiter.recordFailure(client: "\(number)", now: second(0)) }
        limiter.recordFailure(client: "new", now: second(60))
        #expect(limiter.count == 1)
    }
}
