import EventModel
import Testing

@Suite("Addresses")
struct IPAddressTests {
    @Test(
        "Addresses have one spelling",
        arguments: [
            ("10.0.0.1", "10.0.0.1"), ("255.255.255.255", "255.255.255.255"), ("0.0.0.0", "0.0.0.0"),
            ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
            ("::ffff:1.2.3.4", "1.2.3.4"), ("::ffff:102:304", "1.2.3.4"), ("64:ff9b::1.2.3.4", "64:ff9b::102:304"),
            ("fe80::0:0:1", "fe80::1"), ("::1.2.3.4", "::102:304"),
        ])
    func spelling(text: String, canonical: String) throws {
        let address = try #require(IPAddress(parsing: text))
        #expect(address.text == canonical)
        #expect(IPAddress(parsing: canonical) == address)
    }

    @Test(
        "What is no address is refused",
        arguments: [
            "", ":", "1", "10.0.0", "10.0.0.0.1", "10.0.0.256", "10.0.0.01", "10..0.1", "10.0.0.1.", ".10.0.0.1",
            "10.0.0.1:80", "10.0.0.1 ", ":::", "1:::2", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
            "1:2:3:4:5:6:7:8::",
            "::1:2:3:4:5:6:7:8", "12345::", "g::", "1:", ":1", "fe80::1%eth0", "[::1]", "::1.2.3", "1.2.3.4::",
            "::1.2.3.4:5",
            "é::1", "0x7f.0.0.1",
        ])
    func refuses(text: String) { #expect(IPAddress(parsing: text) == nil) }

    @Test("Networks drop host bits, print as CIDR and hold their addresses")
    func networks() throws {
        let network = try #require(AddressRange(cidr: "10.20.30.40/12"))
        #expect(network.text == "10.16.0.0/12")
        #expect(network.contains(try #require(IPAddress(parsing: "10.31.255.255"))))
        #expect(!network.contains(try #require(IPAddress(parsing: "10.32.0.0"))))
        #expect(AddressRange(cidr: "0.0.0.0/0")?.text == "0.0.0.0/0")
        #expect(AddressRange(cidr: "::/0")?.text == "::/0")
        #expect(AddressRange(cidr: "1.2.3.4/32")?.text == "1.2.3.4/32")
        #expect(AddressRange(cidr: "::1/128")?.text == "::1/128")
        #expect(AddressRange(cidr: "::ffff:10.0.0.0/104")?.text == "10.0.0.0/8")
        #expect(AddressRange(IPAddress(v4: 1), IPAddress(v4: 2)).text == "0.0.0.1..0.0.0.2")
    }

    @Test(
        "What is no network is refused",
        arguments: [
            "10.0.0.0", "10.0.0.0/33", "::/129", "10.0.0.0/", "/8", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/0008",
            "a/8",
        ])
    func refusesNetworks(text: String) { #expect(AddressRange(cidr: text) == nil) }

    @Test("Addresses are ordered as numbers")
    func order() throws {
        let ascending = ["::1", "9.0.0.0", "10.0.0.0", "10.0.0.2", "2001:db8::"].compactMap { IPAddress(parsing: $0) }
        #expect(ascending == ascending.sorted() && ascending.count == 5)
    }
}
