/// Events of an organisation that a known incident hit, and of one that it only seems to have hit.
struct IncidentStream: Sendable, CustomStringConvertible {
    let id: String
    let hit: [String]
    let missed: [String]

    var description: String { id }

    private static func fetch(_ purl: String, _ time: String, status: Int = 200) -> String {
        #"{"id":"\#(purl) \#(time)","time":"\#(time)","action":"package.download","category":"dependency","purl":"\#(purl)","#
            + #""status":\#(status),"actor":"ci-runner-1"}"#
    }

    private static func request(_ path: String, _ time: String, status: Int = 200) -> String {
        "\(time)|0af7651916cd43dd|10.20.5.6|ci-runner-1|GET|\(path)|\(status)|-1|31337|12|npm/10.8.1"
    }

    private static func digest(_ digest: String, _ time: String) -> String {
        #"{"id":"\#(digest)","time":"\#(time)","action":"artifact.pull","artifact":"some/file","digest":"\#(digest)"}"#
    }

    private static func job(_ step: String, _ time: String, run: Int = 7) -> String {
        #"{"action":"completed","workflow_job":{"id":\#(run)1,"run_id":\#(run),"name":"build","status":"completed","#
            + #""conclusion":"failure","started_at":"\#(time)","completed_at":"\#(time)","created_at":"\#(time)","head_sha":"#
            + #""bf774f6f2b60f3b59e11a16539f723d380aa3f68","labels":["ubuntu-latest"],"steps":[{"name":"Set up job"},"#
            + #"{"name":"\#(step)","status":"completed","number":2}]},"repository":{"full_name":"acorn/till"},"#
            + #""sender":{"login":"ada"}}"#
    }

    private static func log(_ message: String, _ time: String) -> String {
        #"{"id":"\#(time)","time":"\#(time)","action":"job.log","category":"ci","message":"\#(message)"}"#
    }

    private static func step(_ command: String, _ time: String) -> String {
        #"{"id":"\#(time)","time":"\#(time)","action":"step.finish","category":"ci","command":["bash","-c","\#(command)"]}"#
    }

    private static func repository(_ name: String, _ time: String) -> String {
        #"{"id":"\#(name)","time":"\#(time)","action":"repo.create","actor":"dev7","repo":"\#(name)"}"#
    }

    static let all: [IncidentStream] = [
        .init(
            id: "event-stream-2018", hit: [fetch("pkg:npm/flatmap-stream@0.1.1", "2018-10-10T10:00:00Z")],
            missed: [
                fetch("pkg:npm/flatmap-stream@0.1.10", "2018-10-10T10:00:00Z"),
                fetch("pkg:npm/event-stream@3.3.4", "2018-10-10T10:00:00Z"),
                fetch("pkg:npm/event-stream@3.3.6", "2018-10-10T10:00:00Z", status: 403),
                fetch("pkg:pypi/flatmap-stream@0.1.1", "2018-10-10T10:00:00Z"),
            ]),
        .init(
            id: "solarwinds-2020",
            hit: [
                digest(
                    "sha256:32519b85c0b422e4656de6e6c41878e95fd95026267daab4215ee59c107d6c77", "2020-05-01T10:00:00Z")
            ],
            missed: [
                digest(
                    "sha256:42519b85c0b422e4656de6e6c41878e95fd95026267daab4215ee59c107d6c77", "2020-05-01T10:00:00Z")
            ]),
        .init(
            id: "codecov-2021", hit: [step("curl -s https://codecov.io/bash | bash", "2021-02-15T10:00:00Z")],
            missed: [
                step("curl -s https://codecov.io/bash | bash", "2021-05-15T10:00:00Z"),
                step("curl -s https://codecov.io/bashful | bash", "2021-02-15T10:00:00Z"),
            ]),
        .init(
            id: "ua-parser-js-2021",
            hit: [request("/npm-remote/ua-parser-js/-/ua-parser-js-0.7.29.tgz", "2021-10-22T13:00:00.000Z")],
            missed: [
                request("/npm-remote/ua-parser-js/-/ua-parser-js-0.7.290.tgz", "2021-10-22T13:00:00.000Z"),
                request("/npm-remote/@types/ua-parser-js/-/ua-parser-js-0.7.29.tgz", "2021-10-22T13:00:01.000Z"),
                request("/npm-remote/my-ua-parser-js/-/my-ua-parser-js-0.7.29.tgz", "2021-10-22T13:00:02.000Z"),
                request("/npm-remote/ua-parser-js/-/ua-parser-js-1.0.0.tgz", "2021-10-22T13:00:03.000Z", status: 404),
            ]),
        .init(
            id: "torchtriton-2022",
            hit: [
                digest(
                    "sha256:2385b29489cd9e35f92c072780f903ae2e517ed422eae67246ae50a5cc738a0e", "2022-12-28T10:00:00Z")
            ],
            missed: [fetch("pkg:pypi/torchtriton@2.0.0", "2023-02-01T10:00:00Z")]),
        .init(
            id: "xz-2024", hit: [fetch("pkg:deb/debian/xz-utils@5.6.1-1?arch=amd64", "2024-03-20T10:00:00Z")],
            missed: [
                fetch("pkg:deb/debian/xz-utils@5.6.1+really5.4.5-1", "2024-04-02T10:00:00Z"),
                fetch("pkg:deb/debian/xz-utils@5.4.5-0.3", "2024-03-20T10:00:00Z"),
            ]),
        .init(
            id: "ultralytics-2024",
            hit: [
                request(
                    "/api/pypi/pypi-remote/packages/packages/d0/99/13d9/ultralytics-8.3.41-py3-none-any.whl",
                    "2024-12-05T01:00:00.000Z")
            ],
            missed: [
                request(
                    "/api/pypi/pypi-remote/packages/packages/d0/99/13d9/ultralytics-8.3.43-py3-none-any.whl",
                    "2024-12-05T22:00:00.000Z"),
                request(
                    "/api/pypi/pypi-remote/packages/packages/d0/99/13d9/ultralytics_thop-8.3.41-py3-none-any.whl",
                    "2024-12-05T22:00:01.000Z"),
            ]),
        .init(
            id: "reviewdog-2025", hit: [job("Run reviewdog/action-setup@v1", "2025-03-11T19:10:00Z")],
            missed: [
                job("Run reviewdog/action-setup@v1", "2025-03-12T19:10:00Z"),
                job(
                    "Run reviewdog/action-setup@3f401fe1d58fe77e10d665ab713057375e39b887", "2025-03-11T19:10:00Z",
                    run: 8),
                job("Run acorn/reviewdog/action-setup@v1", "2025-03-11T19:10:00Z", run: 9),
            ]),
        .init(
            id: "tj-actions-2025",
            hit: [
                log(
                    "Download action repository 'tj-actions/changed-files@v45' (SHA:0e58ed8671d6b60d0890c21b07f8835ace038e67)",
                    "2025-03-14T18:00:00Z")
            ],
            missed: [
                log(
                    "Download action repository 'tj-actions/changed-files@v45' (SHA:a284dc1814e3fd07f2e34267fc8f81227ed29fb8)",
                    "2025-03-14T18:00:00Z"),
                job("Run tj-actions/changed-files@v45", "2025-03-20T10:00:00Z"),
                job(
                    "Run tj-actions/changed-files@a284dc1814e3fd07f2e34267fc8f81227ed29fb8", "2025-03-14T18:00:00Z",
                    run: 8),
            ]),
        .init(
            id: "nx-2025", hit: [repository("dev7/s1ngularity-repository-0", "2025-08-27T01:00:00Z")],
            missed: [
                repository("dev7/about-s1ngularity-repository", "2025-08-27T01:00:00Z"),
                fetch("pkg:npm/%40nx/devkit@21.5.1", "2025-08-27T01:00:00Z"),
                fetch("pkg:npm/%40acme/nx@21.5.0", "2025-08-27T01:00:00Z"),
            ]),
        .init(
            id: "chalk-debug-2025", hit: [fetch("pkg:npm/debug@4.4.2", "2025-09-08T14:00:00Z")],
            missed: [
                fetch("pkg:npm/%40acme/debug@4.4.2", "2025-09-08T14:00:00Z"),
                fetch("pkg:npm/debug@4.4.20", "2025-09-08T14:00:00Z"),
                request("/npm-remote/@acme/debug/-/debug-4.4.2.tgz", "2025-09-08T14:00:00.000Z"),
            ]),
        .init(
            id: "shai-hulud-2025", hit: [fetch("pkg:npm/%40ctrl/tinycolor@4.1.1", "2025-09-16T10:00:00Z")],
            missed: [
                fetch("pkg:npm/tinycolor@4.1.1", "2025-09-16T10:00:00Z"),
                repository("acorn/dune-shai-hulud-art", "2025-09-16T10:00:00Z"),
            ]),
    ]
}
