import HTTPTypes
import Hummingbird

/// `GET /openapi.yaml`: the description of all routes, which needs no token.
struct DocumentRoutes {
    func register(on router: Router<CustodyRequestContext>) {
        router.get("/openapi.yaml") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "application/yaml", .cacheControl: "no-cache"],
                body: .init(byteBuffer: ByteBuffer(bytes: PackageResources.openapi_yaml)))
        }
    }
}
