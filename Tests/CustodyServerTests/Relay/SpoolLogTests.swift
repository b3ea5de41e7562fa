import DurableFiles
import SystemPackage
import Testing

@testable import CustodyServer

@Suite("A relay's spool")
struct SpoolLogTests {
    private static let directory: FilePath = "/relay/spool"

    private static var small: RelayLimits {
        var limits = RelayLimits()
        limits.fileBytes = 400
        limits.reservedDiskBytes = 0
        limits.shareOfOne = 1
        return limits
    }

    private static func open(_ disk: FaultingFileSystem, _ limits: RelayLimits = small) throws -> SpoolLog {
        try SpoolLog(directory: directory, fileSystem: disk, limits: limits)
    }

    /// A delivery that tells its number by its bytes.
    private static func item(_ number: Int, bytes: Int = 60, name: String = "a") -> SpoolLog.Item {
        let text = Array("delivery \(number) ".utf8)
        return .init(
            name: name, sealed: text + [UInt8](repeating: UInt8(number & 0xFF), count: max(0, bytes - text.count)))
    }

    private static func number(_ sealed: [UInt8]) -> Int {
        Int(String(decoding: sealed, as: UTF8.self).split(separator: " ")[1]) ?? -1
    }

    private static func all(_ log: SpoolLog, after number: UInt64 = 0) throws -> [(number: UInt64, sealed: [UInt8])] {
        try log.deliveries(after: number, bytes: .max).found
    }

    @Test("Deliveries are given in their order, as many as fit, and again until they are taken")
    func order() throws {
        let log = try Self.open(FaultingFileSystem(seed: 1))
        #expect(try log.append((1...5).map { Self.item($0) }) == [nil, nil, nil, nil, nil])
        let some = try log.deliveries(after: 0, bytes: 130)
        #expect(some.found.map { Self.number($0.sealed) } == [1, 2] && some.hasMore)
        #expect(try log.deliveries(after: 0, bytes: 1).found.count == 1)
        #expect(try Self.all(log).map(\.number) == [1, 2, 3, 4, 5] && log.waiting == 5)
        let third = try Self.all(log)[2]
        #expect(try log.take(through: 3, mark: SpoolLog.mark(third.sealed), of: log.id))
        #expect(try Self.all(log, after: 3).map(\.number) == [4, 5] && log.waiting == 2)
    }

    @Test("What is taken leaves the disk, and its numbers are not given again, whatever ends in between")
    func space() throws {
        let disk = FaultingFileSystem(seed: 2)
        var log = try Self.open(disk)
        for round in 0..<20 {
            #expect(try log.append([Self.item(round)]) == [nil])
            let last = try #require(try Self.all(log, after: log.taken).last)
            #expect(last.number == UInt64(round + 1))
            #expect(try log.take(through: last.number, mark: SpoolLog.mark(last.sealed), of: log.id))
            #expect(log.waiting == 0 && log.bytes == 0)
            if round % 3 == 0 {
                disk.restartMachine()
                log = try Self.open(disk)
            }
        }
        #expect(try disk.list(Self.directory).filter { $0.hasSuffix(".deliveries") }.isEmpty)
    }

    @Test("Whenever process or machine end, what was answered and not taken is there once, whole and in order")
    func killPoints() throws {
        let disk = FaultingFileSystem(seed: 3)
        try disk.createDirectory("/relay")
        disk.recordOperations()
        let log = try Self.open(disk)
        var answered: [(operation: Int, number: Int)] = []
        var taken: [(operation: Int, number: Int)] = []
        for number in stride(from: 1, through: 40, by: 2) {
            let results = try log.append([Self.item(number), Self.item(number + 1, bytes: 90)])
            #expect(results == [nil, nil])
            answered += [(disk.operationCount, number), (disk.operationCount, number + 1)]
            guard number % 5 == 0 else { continue }
            let some = try log.deliveries(after: log.taken, bytes: 400).found
            let last = try #require(some.last)
            taken.append((disk.operationCount, Self.number(last.sealed)))
            #expect(try log.take(through: last.number, mark: SpoolLog.mark(last.sealed), of: log.id))
        }
        let operations = disk.operationCount
        #expect(operations > 60)
        for operation in 1...operations + 1 {
            for machine in [false, true] {
                let copy = disk.disk(beforeOperation: operation, seed: UInt64(operation))
                if machine { copy.restartMachine() } else { copy.restartProcess() }
                let reopened = try Self.open(copy)
                let gone = taken.filter { $0.operation < operation }.map(\.number).max() ?? 0
                let owed = answered.filter { $0.operation < operation }.map(\.number)
                let found = try Self.all(reopened)
                let numbers = found.map { Self.number($0.sealed) }
                #expect(numbers == numbers.sorted() && Set(numbers).count == numbers.count, "\(operation)")
                #expect(owed.filter { $0 > gone }.allSatisfy(numbers.contains), "\(operation) \(machine) \(numbers)")
                // Here a delivery's own number is its number in the spool.
                #expect(found.allSatisfy { Int($0.number) == Self.number($0.sealed) }, "\(operation)")
                #expect(Int(reopened.next) > (owed.max() ?? 0), "\(operation): a number would be given twice")
                #expect(try reopened.append([Self.item(99)]) == [nil])
                #expect(try Self.all(reopened).last.map { Self.number($0.sealed) } == 99)
            }
        }
    }

    @Test(
        "A disk that fails a write refuses that delivery and keeps the others; one that fails a synchronisation ends it"
    )
    func faults() throws {
        for operation in 1...12 {
            for effect in [Fault.Effect.error(.ioError), .shortWrite(.noSpace), .error(.noSpace)] {
                let disk = FaultingFileSystem(seed: UInt64(operation))
                let log = try Self.open(disk)
                #expect(try log.append([Self.item(1)]) == [nil])
                disk.setFaults([Fault(atOperation: operation, effect)])
                var kept = [1]
                var isOver = false
                for number in 2...9 where !isOver {
                    do {
                        if try log.append([Self.item(number)]) == [nil] { kept.append(number) }
                    } catch RelayError.failed {
                        isOver = true
                    }
                }
                disk.restartMachine()
                let found = try Self.all(try Self.open(disk)).map { Self.number($0.sealed) }
                #expect(kept.allSatisfy(found.contains) && found == found.sorted(), "\(operation) \(found) \(kept)")
            }
        }
    }

    @Test("The spool, the disk and the share of one name have bounds, of which each says so")
    func bounds() throws {
        var limits = RelayLimits()
        limits.reservedDiskBytes = 1_000
        limits.spoolBytes = 1_000
        let disk = FaultingFileSystem(seed: 5)
        let log = try Self.open(disk, limits)
        #expect(try log.append((1...5).map { Self.item($0, bytes: 64) }) == [nil, nil, nil, nil, nil])
        let own = try #require(try log.append([Self.item(6, bytes: 64)])[0])
        #expect(own.description.contains("share of this name"))
        #expect(try log.append((6...10).map { Self.item($0, bytes: 64, name: "b") }) == [nil, nil, nil, nil, nil])
        #expect(try log.append([Self.item(11, bytes: 64, name: "c")])[0]?.description.contains("spool is full") == true)
        limits.spoolBytes = 1 << 20
        limits.deliveries = 11
        let more = try Self.open(disk, limits)
        #expect(try more.append([Self.item(11), Self.item(12)]).map { $0 == nil } == [true, false])
        limits.deliveries = 100
        disk.setCapacity(3_000)
        #expect(try Self.open(disk, limits).append([Self.item(12, bytes: 900)])[0]?.description == "the disk is full")
    }

    @Test("Another spool, or other deliveries under the same numbers, are never let go for what a server says it has")
    func marks() throws {
        let disk = FaultingFileSystem(seed: 6)
        let log = try Self.open(disk)
        _ = try log.append([Self.item(1), Self.item(2)])
        let before = disk.copy(seed: 7)
        _ = try log.append([Self.item(3)])
        let third = try Self.all(log)[2]

        // The machine is put back to an earlier state, and other deliveries come.
        before.restartProcess()
        let rolled = try Self.open(before)
        let id = rolled.id
        #expect(try !rolled.take(through: 3, mark: SpoolLog.mark(third.sealed), of: id) && rolled.id != id)
        let again = try Self.open(before)
        _ = try again.append([Self.item(77)])
        #expect(try !again.take(through: 3, mark: SpoolLog.mark(third.sealed), of: again.id))
        #expect(try Self.all(again).map { Self.number($0.sealed) } == [1, 2, 77])
        #expect(try !again.take(through: 1, mark: [], of: [1, 2, 3]))
    }

    @Test("A delivery whose bytes changed is passed over, and leaves a hole that can be seen")
    func damage() throws {
        let disk = FaultingFileSystem(seed: 8)
        let log = try Self.open(disk)
        _ = try log.append([Self.item(1), Self.item(2), Self.item(3)])
        let path = Self.directory.appending("00000000000000000001.deliveries")
        let file = try disk.open(path, .write)
        let offset = UInt64(2 * SpoolFrame.headBytes + 60 + 10)
        try file.write([0xFF], at: offset)
        #expect(try Self.all(log).map(\.number) == [1, 3])
        let reopened = try Self.open(disk)
        #expect(try Self.all(reopened).map(\.number) == [1, 3] && reopened.next == 4)
        try file.append([1, 2, 3])
        let torn = try Self.open(disk)
        #expect(torn.tornBytes == 3 && torn.next == 4)
    }
}
