package import Delivery
import DurableFiles
import Foundation
package import Intake
package import SystemPackage
import Yams

/// How `custody serve` is set up: the command line's options, and what the configuration file adds.
package struct ServerConfiguration: Sendable {
    package var dataDirectory: FilePath = "custody-data"
    package var host = "127.0.0.1"
    package var port = 8400
    package var tlsCertificate: String?
    package var tlsKey: String?
    /// Whether `/ledger/tile/entries` needs no token.
    package var publicEntries = false
    /// `CUSTODY_ADMIN_TOKEN`: the first start makes this the admin token.
    package var adminToken: String?
    package var intake = IntakeLimits()
    /// Directories of rules beside the built-in pack.
    package var ruleDirectories: [String] = []
    /// Directories of connectors beside the built-in catalogue.
    package var connectorDirectories: [String] = []
    /// Where alerts are sent.
    package var notifications: [DestinationSettings] = []
    /// Hosts and address ranges that notifications may go to although they are private.
    package var allowedTargets: [String] = []

    package init() {}

    package var journal: FilePath { dataDirectory.appending("journal") }
    package var ledger: FilePath { dataDirectory.appending("ledger") }
    package var segments: FilePath { dataDirectory.appending("segments") }
    package var keys: FilePath { dataDirectory.appending("keys") }
    package var database: FilePath { dataDirectory.appending("state.db") }
    package var adminTokenFile: FilePath { keys.appending("admin.token") }

    /// Sets the address from `HOST:PORT` (`[::1]:8400` for IPv6, `:8400` for all addresses).
    ///
    /// - Throws: ``ConfigurationError``.
    package mutating func listen(on address: String) throws {
        guard let colon = address.lastIndex(of: ":"), let port = UInt16(address[address.index(after: colon)...]) else {
            throw ConfigurationError("the address \(address) is not HOST:PORT")
        }
        let host = address[..<colon].trimmingCharacters(in: ["[", "]"])
        self.host = host.isEmpty ? "0.0.0.0" : host
        self.port = Int(port)
    }
}

/// What is wrong with the configuration; shown to the operator as it is.
package struct ConfigurationError: Error, CustomStringConvertible, Equatable {
    package let description: String
    package init(_ description: String) { self.description = description }
}

extension ServerConfiguration {
    private struct File: Decodable {
        enum CodingKeys: String, CodingKey {
            case listen, rules, connectors, notifications
            case allowedTargets = "allowed_targets"
            case publicEntries = "public_entries"
            case tlsCertificate = "tls_cert"
            case tlsKey = "tls_key"
        }
        var listen: String?
        var rules: [String]?
        var connectors: [String]?
        var notifications: [DestinationSettings]?
        var allowedTargets: [String]?
        var publicEntries: Bool?
        var tlsCertificate: String?
        var tlsKey: String?
    }

    /// Takes over what a YAML configuration file says.
    ///
    /// - Throws: ``ConfigurationError`` that names the file and what is wrong.
    package mutating func read(yaml text: String, file: String) throws {
        do {
            if let node = try Yams.compose(yaml: text), let mapping = node.mapping {
                for key in mapping.keys {
                    guard let name = key.string, File.CodingKeys(rawValue: name) != nil else {
                        throw ConfigurationError("\(file): unknown key \(key.string ?? "?")")
                    }
                }
            }
            let read = try YAMLDecoder().decode(File.self, from: text)
            if let address = read.listen { try listen(on: address) }
            ruleDirectories += read.rules ?? []
            connectorDirectories += read.connectors ?? []
            allowedTargets += read.allowedTargets ?? []
            publicEntries = publicEntries || read.publicEntries ?? false
            tlsCertificate = tlsCertificate ?? read.tlsCertificate
            tlsKey = tlsKey ?? read.tlsKey
            notifications += read.notifications ?? []
        } catch let error as ConfigurationError {
            throw error
        } catch let error as DeliveryError {
            throw ConfigurationError("\(file): \(error.reason)")
        } catch {
            throw ConfigurationError("\(file): \(error)")
        }
    }
}
