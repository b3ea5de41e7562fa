import Foundation
import Testing

@testable import Delivery

@Suite("Where notifications may go")
struct DestinationGuardTests {
    @Test(
        "Addresses that are not public are refused",
        arguments: [
            "0.0.0.0", "10.0.0.1", "100.100.100.200", "127.0.0.1", "169.254.169.254", "172.31.255.255", "192.168.1.1",
            "198.18.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1",
            "fd00:ec2::254", "fe80::1", "ff02::1", "2002:7f00:1::",
        ])
    func reserved(address: String) async throws {
        let resolver = FixedResolver(names: ["h": [address]])
        let url = try #require(URL(string: "https://h/"))
        await #expect(throws: DeliveryError.self) { try await DestinationGuard(resolver: resolver).vet(url) }
    }

    @Test(
        "Public addresses pass",
        arguments: ["93.184.215.14", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "11.0.0.1"])
    func open(address: String) async throws {
        let resolver = FixedResolver(names: ["h": [address]])
        let vetted = try await DestinationGuard(resolver: resolver).vet(try #require(URL(string: "https://h/")))
        #expect(vetted == NetworkAddress(address))
    }

    @Test("Allowed hosts and networks pass, over plain http too; others need https")
    func allowance() async throws {
        let resolver = FixedResolver(names: [
            "siem.internal": ["10.0.0.9"], "other": ["10.0.0.8"], "open": ["93.184.215.14"],
        ])
        let byHost = DestinationGuard(allowance: .init(hosts: ["SIEM.internal"]), resolver: resolver)
        _ = try await byHost.vet(try #require(URL(string: "http://siem.internal/x")))
        await #expect(throws: DeliveryError.self) { try await byHost.vet(try #require(URL(string: "https://other/x"))) }
        await #expect(throws: DeliveryError.self) { try await byHost.vet(try #require(URL(string: "http://open/x"))) }
        let network = try #require(NetworkRange("10.0.0.8/31"))
        let byNetwork = DestinationGuard(allowance: .init(networks: [network]), resolver: resolver)
        _ = try await byNetwork.vet(try #require(URL(string: "http://other/x")))
    }

    @Test(
        "Other spellings of loopback are seen through by the system's resolver",
        arguments: ["127.1", "2130706433", "0x7f000001", "[::1]"])
    func spellings(host: String) async throws {
        let url = try #require(URL(string: "https://\(host)/"))
        await #expect(throws: DeliveryError.self) { try await DestinationGuard().vet(url) }
    }
}
