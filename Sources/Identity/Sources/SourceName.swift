import AccessControl

/// The names of sources: `[a-z0-9][a-z0-9._-]{0,62}`, so that they need no quoting in queries, URLs and file names.
package enum SourceName {
    package static let maximumLength = 63

    /// - Throws: ``IdentityError`` `invalidName`, or `reservedName` for `custody`, Custody's own audit events.
    package static func check(_ name: String) throws {
        let isWellFormed =
            (1...maximumLength).contains(name.utf8.count)
            && name.utf8.enumerated().allSatisfy { position, byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
                case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): position > 0
                default: false
                }
            }
        guard isWellFormed else {
            throw IdentityError(
                .invalidName,
                "a source's name has 1 to \(maximumLength) of a-z, 0-9, dot, underscore and hyphen, the first a letter or digit"
            )
        }
        guard name != OwnAudit.source else { throw IdentityError(.reservedName, "the name custody is reserved") }
    }
}
