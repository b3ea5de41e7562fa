import DurableFiles
import SystemPackage
import Testing

@testable import custody

/// Where commands look for a data directory.
struct DataPlaceTests {
    @Test("The working directory's comes first, then that of the installed service, and a new one is made here")
    func order() throws {
        let disk = FaultingFileSystem(seed: 1)
        #expect(DataPlace.usual(disk) == "custody-data")
        try disk.createDirectory(FilePath(DataPlace.ofPackage))
        #expect(DataPlace.usual(disk) == "/var/lib/custody/data")
        try disk.createDirectory("custody-data")
        #expect(DataPlace.usual(disk) == "custody-data")
    }
}
