/// How large rules may be. Rules come from people and from repositories on the network; each limit bounds what one of
/// them can cost, and each is several times what the largest published Sigma rule needs.
package struct RuleLimits: Sendable {
    /// Bytes of one rule file. All Windows rules of SigmaHQ joined into one file are about 4 MiB.
    package var fileBytes = 16 << 20
    /// Bytes of one YAML document, that is of one rule. The largest published one has about 60 KiB.
    package var documentBytes = 1 << 20
    /// YAML nodes of one document after its aliases were followed: aliases of aliases grow exponentially.
    package var nodes = 50_000
    /// Nested mappings, sequences and parentheses.
    package var depth = 32
    /// Values that one field's list may expand to: `windash`, `expand` and `base64offset` multiply.
    package var expandedValues = 20_000
    /// Files of one directory.
    package var files = 50_000

    package init() {}
}
