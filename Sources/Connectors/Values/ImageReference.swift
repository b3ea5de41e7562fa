internal import EventModel

/// The parts of a container image reference `[registry/]name[:tag][@alg:hex]`.
struct ImageReference {
    let name: UnsafeRawBufferPointer
    let tag: UnsafeRawBufferPointer?
    let digest: UnsafeRawBufferPointer?

    /// Nil when the text holds white space or names nothing.
    init?(_ text: UnsafeRawBufferPointer) {
        guard !text.isEmpty, text.allSatisfy({ $0 > 0x20 && $0 != UInt8(ascii: "{") }) else { return nil }
        var rest = text
        // Kubernetes reports what runs as `docker-pullable://name@sha256:…`.
        for position in rest.indices.dropLast(2)
        where rest[position] == UInt8(ascii: ":") && rest[position + 1] == UInt8(ascii: "/")
            && rest[position + 2] == UInt8(ascii: "/")
        {
            rest = rest.slice(position + 3..<rest.count)
            break
        }
        if let at = rest.firstIndex(of: UInt8(ascii: "@")) {
            digest = rest.slice(at + 1..<rest.count)
            rest = rest.slice(0..<at)
        } else {
            digest = nil
        }
        let slash = rest.lastIndex(of: UInt8(ascii: "/")) ?? -1
        if let colon = rest.lastIndex(of: UInt8(ascii: ":")), colon > slash {
            tag = rest.slice(colon + 1..<rest.count)
            rest = rest.slice(0..<colon)
        } else {
            tag = nil
        }
        guard !rest.isEmpty else { return nil }
        name = rest
    }

    /// The package URL of type `oci` (purl-spec, types/oci); only an image whose digest is known has one.
    func packageURL(digest: [UInt8]) -> [UInt8] {
        var output = Array("pkg:oci/".utf8)
        let slash = name.lastIndex(of: UInt8(ascii: "/")) ?? -1
        for byte in name[(slash + 1)...] { output.append(CaseFolding.fold(byte)) }
        output.append(UInt8(ascii: "@"))
        for byte in digest {
            if byte == UInt8(ascii: ":") { output.append(contentsOf: "%3A".utf8) } else { output.append(byte) }
        }
        if slash >= 0 {
            output.append(contentsOf: "?repository_url=".utf8)
            for byte in name {
                if byte == UInt8(ascii: ":") { output.append(contentsOf: "%3A".utf8) } else { output.append(byte) }
            }
        }
        return output
    }
}
