/// How large and how deep a JSON document may be before it is refused.
///
/// Each limit is there so that one hostile document costs a bounded time and memory. The largest real documents that we
/// know of, custom resource definitions inside Kubernetes audit events, stay below a third of each.
package struct JSONLimits: Sendable {
    /// Bytes of one document. Simdjson's tape takes about nine times as much memory.
    package var bytes = 1 << 20
    /// Nested arrays and objects.
    package var depth = 64
    /// Keys of all objects together; at most 65,534.
    package var keys = 16_384

    package init() {}

    package init(bytes: Int, depth: Int, keys: Int) {
        precondition(keys < Int(UInt16.max))
        self.bytes = bytes
        self.depth = depth
        self.keys = keys
    }
}
