import EventModel

/// The payloads of Larkspur's systems, in the shapes of the real ones. Values hold nothing that JSON would have to escape.
struct DemoShapes {
    static let organisation = "larkspur"
    static let registry = "registry.larkspur.example"

    let time: Timestamp
    /// Makes this event's ids its own.
    let number: Int

    /// A GitHub webhook: its own members, then what all have.
    func webhook(_ members: String, repository: String, sender: String, isBot: Bool = false) -> DemoEvent {
        let name = "\(Self.organisation)/\(repository)"
        let body = """
            {\(members),"repository":{"id":\(repositoryID(repository)),"node_id":"R_\(repositoryID(repository))",\
            "name":"\(repository)","full_name":"\(name)","owner":{"login":"\(Self.organisation)"},\
            "html_url":"https://github.com/\(name)","url":"https://api.github.com/repos/\(name)",\
            "pushed_at":\(time.seconds)},"organization":{"login":"\(Self.organisation)"},\
            "sender":{"login":"\(sender)","id":\(repositoryID(sender)),"type":"\(isBot ? "Bot" : "User")"}}
            """
        return DemoEvent(time: time, source: .github, body: body)
    }

    func push(
        _ ref: String, repository: String, sender: String, before: String, after: String, forced: Bool = false,
        modified: String = "src/main.ts", isBot: Bool = false
    ) -> DemoEvent {
        let commit =
            "{\"id\":\"\(after)\",\"timestamp\":\"\(time.text)\",\"message\":\"change \(number)\",\"added\":[],"
            + "\"modified\":[\"\(modified)\"],\"committer\":{\"username\":\"\(sender)\"}}"
        return webhook(
            """
            "ref":"\(ref)","before":"\(before)","after":"\(after)","created":false,"deleted":false,"forced":\(forced),\
            "commits":[\(commit)],"head_commit":\(commit),"pusher":{"name":"\(sender)"}
            """, repository: repository, sender: sender, isBot: isBot)
    }

    func pullRequest(_ action: String, repository: String, sender: String, change: Int, commit: String) -> DemoEvent {
        let merged = action == "closed"
        return webhook(
            """
            "action":"\(action)","number":\(change),"pull_request":{"id":\(700_000 + change),"number":\(change),\
            "title":"Change \(change)","merged":\(merged),"merged_at":\(merged ? "\"\(time.text)\"" : "null"),\
            "updated_at":"\(time.text)","head":{"ref":"topic-\(change)","sha":"\(commit)","repo":{"fork":false}},\
            "base":{"ref":"main"}}
            """, repository: repository, sender: sender)
    }

    func workflowRun(repository: String, sender: String, commit: String, conclusion: String = "success") -> DemoEvent {
        webhook(
            """
            "action":"completed","workflow_run":{"id":\(9_000_000 + number),"name":"build",\
            "path":".github/workflows/build.yml","head_branch":"main","head_sha":"\(commit)","run_attempt":1,\
            "event":"push","status":"completed","conclusion":"\(conclusion)","created_at":"\(time.text)",\
            "updated_at":"\(time.text)","referenced_workflows":[],"pull_requests":[]},"workflow":{"name":"build"}
            """, repository: repository, sender: sender)
    }

    func secretFound(_ type: String, repository: String) -> DemoEvent {
        webhook(
            """
            "action":"created","alert":{"number":\(number),"secret_type":"\(type)","publicly_leaked":true,\
            "created_at":"\(time.text)","location_type":"workflow_log"}
            """, repository: repository, sender: "github", isBot: true)
    }

    func package(
        _ action: String, name: String, type: String, version: String, repository: String, sender: String,
        isBot: Bool = false
    ) -> DemoEvent {
        webhook(
            """
            "action":"\(action)","package":{"id":\(8_000 + number),"name":"\(name)",\
            "namespace":"\(Self.organisation)","package_type":"\(type)","created_at":"\(time.text)",\
            "updated_at":"\(time.text)","package_version":{"version":"\(version)","created_at":"\(time.text)",\
            "updated_at":"\(time.text)"}}
            """, repository: repository, sender: sender, isBot: isBot)
    }

    /// A line of GitHub's audit log.
    func audit(
        _ action: String, actor: String, address: String, repository: String? = nil, more: String = "",
        isBot: Bool = false
    ) -> DemoEvent {
        let repo = repository.map { "\"repo\":\"\(Self.organisation)/\($0)\"," } ?? ""
        let body = """
            {"@timestamp":\(time.milliseconds),"_document_id":"doc-\(time.milliseconds)-\(number)",\
            "action":"\(action)","actor":"\(actor)","actor_ip":"\(address)","actor_is_bot":\(isBot),\
            "org":"\(Self.organisation)",\(repo)\(more)"created_at":\(time.milliseconds)}
            """
        return DemoEvent(time: time, source: .audit, body: body)
    }

    func job(project: String, user: String, commit: String, status: String) -> DemoEvent {
        let body = """
            {"object_kind":"build","event_id":"job-\(time.milliseconds)-\(number)","event_time":"\(time.text)",\
            "ref":"main","sha":"\(commit)","build_id":\(number),"build_name":"test:\(project)","build_stage":"test",\
            "build_status":"\(status)","pipeline_id":\(number / 3),"runner":{"id":4,"description":"runner-4"},\
            "user":{"id":\(repositoryID(user)),"name":"\(user)","username":"\(user)"},\
            "project":{"path_with_namespace":"\(Self.organisation)/\(project)"},"repository":{"name":"\(project)"}}
            """
        return DemoEvent(time: time, source: .gitlab, body: body)
    }

    func download(_ purl: String, digest: String, user: String, address: String) -> DemoEvent {
        let body = """
            {"type":"package.download","id":"dl-\(time.milliseconds)-\(number)","time":"\(time.text)",\
            "ecosystem":"npm","purl":"\(purl)","sha256":"\(digest)","bytes":\(900 + number),\
            "client":{"user":"\(user)","ip":"\(address)","user_agent":"npm/10"},"status":200,"latency_ms":12}
            """
        return DemoEvent(time: time, source: .packages, body: body)
    }

    func image(
        _ action: String, name: String, tag: String, digest: String, actor: String, address: String, agent: String
    ) -> DemoEvent {
        let repository = "\(Self.organisation)/\(name)"
        let body = """
            {"events":[{"id":"n-\(time.milliseconds)-\(number)","timestamp":"\(time.text)","action":"\(action)",\
            "target":{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":1500,\
            "digest":"sha256:\(digest)","repository":"\(repository)",\
            "url":"https://\(Self.registry)/v2/\(repository)/manifests/sha256:\(digest)","tag":"\(tag)"},\
            "request":{"id":"r-\(number)","addr":"\(address):50123","host":"\(Self.registry)",\
            "method":"\(action == "push" ? "PUT" : "GET")","useragent":"\(agent)"},"actor":{"name":"\(actor)"}}]}
            """
        return DemoEvent(time: time, source: .registry, body: body)
    }

    /// A request to the cluster's API server.
    func cluster(
        _ verb: String, _ resource: String, subresource: String? = nil, name: String, user: String, address: String,
        agent: String, code: Int = 200, request: String? = nil
    ) -> DemoEvent {
        let sub = subresource.map { "\"subresource\":\"\($0)\"," } ?? ""
        let body = """
            {"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse",\
            "auditID":"a-\(time.milliseconds)-\(number)","stage":"ResponseComplete",\
            "requestURI":"/api/v1/namespaces/shop/\(resource)/\(name)","verb":"\(verb)",\
            "user":{"username":"\(user)"},"sourceIPs":["\(address)"],"userAgent":"\(agent)",\
            "objectRef":{"resource":"\(resource)",\(sub)"namespace":"shop","name":"\(name)","apiVersion":"v1"},\
            "responseStatus":{"code":\(code)},"requestReceivedTimestamp":"\(time.text)",\
            "stageTimestamp":"\(time.text)"\(request.map { ",\"requestObject\":\($0)" } ?? "")}
            """
        return DemoEvent(time: time, source: .cluster, body: body)
    }

    static func podTemplate(image: String) -> String {
        "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"app\",\"image\":\"\(image)\"}]}}}}"
    }

    /// A stable number for a name.
    private func repositoryID(_ name: String) -> Int {
        name.utf8.reduce(7) { ($0 * 31 + Int($1)) % 1_000_003 }
    }
}
