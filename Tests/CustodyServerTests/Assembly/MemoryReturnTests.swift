import Synchronization
import Testing

@testable import CustodyServer

@Suite("Giving memory back")
struct MemoryReturnTests {
    private final class Machine: Sendable {
        let used = Mutex(Duration.seconds(100))
        let returns = Mutex(0)

        func work(_ duration: Duration) { used.withLock { $0 += duration } }
        var count: Int { returns.withLock(\.self) }
        func make() -> MemoryReturn {
            MemoryReturn(used: { self.used.withLock(\.self) }, giveBack: { self.returns.withLock { $0 += 1 } })
        }
    }

    @Test func itWaitsForTheEndOfTheWork() {
        let machine = Machine()
        let subject = machine.make()
        for _ in 0..<5 {
            machine.work(.seconds(4))
            subject.look()
        }
        #expect(machine.count == 0)
        machine.work(MemoryReturn.quiet)
        subject.look()
        #expect(machine.count == 1)
        #expect(subject.samples.map(\.value) == [1])
    }

    @Test func quietWorkIsNotWorthIt() {
        let machine = Machine()
        let subject = machine.make()
        subject.look()
        #expect(machine.count == 1)
        for _ in 0..<7 {
            machine.work(MemoryReturn.quiet)
            subject.look()
        }
        #expect(machine.count == 1)
        machine.work(MemoryReturn.quiet)
        subject.look()
        #expect(machine.count == 2)
    }

    @Test func theAllocatorTakesTheRequest() {
        MemoryReturn.trim()
        #expect(MemoryReturn.processorTime() > .zero)
    }
}
