import Foundation
import Testing

@testable import CustodyServer

/// News for the service manager, as sd_notify(3) sends them.
struct ServiceManagerNoticeTests {
    @Test(
        "News arrive as one datagram at the manager's socket, named by path or in the abstract",
        arguments: [false, true])
    func arrives(abstract: Bool) throws {
        let name = (abstract ? "@" : FileManager.default.temporaryDirectory.path + "/") + "n-\(UUID().uuidString)"
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer {
            close(descriptor)
            if !abstract { unlink(name) }
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(name.utf8)
        if abstract { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.offset(of: \.sun_path)! + bytes.count)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        try #require(bound == 0)
        let notice = try #require(ServiceManagerNotice(environment: ["NOTIFY_SOCKET": name]))
        #expect(notice.send("READY=1"))
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        #expect(count == 7 && buffer.prefix(7).elementsEqual("READY=1".utf8))
    }

    @Test("Without a manager there is nobody to tell; one that is gone or has an impossible name stops nothing")
    func nobody() throws {
        #expect(ServiceManagerNotice(environment: [:]) == nil)
        #expect(ServiceManagerNotice(environment: ["NOTIFY_SOCKET": ""]) == nil)
        for name in ["/nowhere/at/all", "/" + String(repeating: "x", count: 200)] {
            #expect(try #require(ServiceManagerNotice(environment: ["NOTIFY_SOCKET": name])).send("READY=1") == false)
        }
    }
}
