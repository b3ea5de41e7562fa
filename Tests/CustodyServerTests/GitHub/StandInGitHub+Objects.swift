import EventModel

/// The objects of the stand-in, in GitHub's shape as far as anything is read of them.
extension StandInGitHub {
    static func time(_ seconds: Int64) -> String { Timestamp(seconds: seconds).text }

    static func commit(_ id: Int64) -> String {
        let digits = String(id, radix: 16)
        return String(repeating: "a", count: 40 - digits.count) + digits
    }

    static func json(_ run: Run, _ repository: String) -> String {
        let conclusion = run.status == "completed" ? run.conclusion.map { "\"\($0)\"" } ?? "null" : "null"
        return """
            {"id":\(run.id),"name":"ship","head_branch":"main","head_sha":"\(commit(run.id))","path":".github/workflows/ship.yml",\
            "run_number":\(run.id),"event":"push","status":"\(run.status)","conclusion":\(conclusion),"workflow_id":551,\
            "html_url":"https://github.com/\(repository)/actions/runs/\(run.id)","pull_requests":[],\
            "created_at":"\(time(run.created))","updated_at":"\(time(run.updated))","run_started_at":"\(time(run.created))",\
            "actor":{"login":"mira","id":301,"type":"User"},"triggering_actor":{"login":"mira","id":301,"type":"User"},\
            "run_attempt":\(run.attempt),"jobs_url":"https://api.github.com/repos/\(repository)/actions/runs/\(run.id)/jobs",\
            "repository":{"id":7001,"full_name":"\(repository)","owner":{"login":"acorn","id":41}}}
            """
    }

    /// The same run, as a webhook tells it.
    static func webhook(_ run: Run, _ repository: String) -> String {
        let action = run.status == "completed" ? "completed" : run.status == "in_progress" ? "in_progress" : "requested"
        return """
            {"action":"\(action)","workflow_run":\(json(run, repository)),"repository":{"id":7001,"node_id":"R_1",\
            "full_name":"\(repository)","name":"till","owner":{"login":"acorn"}},"organization":{"login":"acorn","id":41},\
            "sender":{"login":"mira","id":301,"node_id":"U_1","type":"User"}}
            """
    }

    static func json(job number: Int, of run: Run, _ repository: String) -> String {
        let id = run.id * 100 + Int64(number)
        return """
            {"id":\(id),"run_id":\(run.id),"workflow_name":"ship","head_branch":"main",\
            "run_url":"https://api.github.com/repos/\(repository)/actions/runs/\(run.id)","run_attempt":\(run.attempt),\
            "head_sha":"\(commit(run.id))","html_url":"https://github.com/\(repository)/actions/runs/\(run.id)/job/\(id)",\
            "status":"completed","conclusion":"success","created_at":"\(time(run.created))","started_at":"\(time(run.created))",\
            "completed_at":"\(time(run.updated))","name":"job \(number)","steps":[],"labels":["linux"],"runner_name":"shed-2"}
            """
    }

    static func json(_ deployment: Deployment, _ repository: String) -> String {
        let url = "https://api.github.com/repos/\(repository)/deployments/\(deployment.id)"
        return """
            {"url":"\(url)","id":\(deployment.id),"task":"deploy","environment":"production","created_at":"\(time(deployment.created))",\
            "updated_at":"\(time(deployment.created))","statuses_url":"\(url)/statuses",\
            "repository_url":"https://api.github.com/repos/\(repository)","creator":{"login":"mira","id":301,"type":"User"},\
            "sha":"\(commit(deployment.id))","ref":"main","payload":{}}
            """
    }

    static func json(status number: Int, of deployment: Deployment, _ repository: String) -> String {
        let url = "https://api.github.com/repos/\(repository)/deployments/\(deployment.id)"
        let (state, at) = deployment.states[number]
        return """
            {"url":"\(url)/statuses/\(number)","id":\(deployment.id * 10 + Int64(number)),"state":"\(state)",\
            "creator":{"login":"mira","id":301,"type":"User"},"description":"","environment":"production","target_url":"",\
            "created_at":"\(time(at))","updated_at":"\(time(at))","deployment_url":"\(url)",\
            "repository_url":"https://api.github.com/repos/\(repository)"}
            """
    }

    static func json(_ event: FeedEvent, _ repository: String, _ state: State) -> String {
        """
        {"id":"\(event.id)","type":"\(event.type)","actor":{"id":301,"login":"mira","url":"https://api.github.com/users/mira"},\
        "repo":{"id":7001,"name":"\(repository)","url":"https://api.github.com/repos/\(repository)"},"payload":\(event.payload),\
        "public":false,"created_at":"\(time(event.created))","org":{"id":41,"login":"\(state.organization)"}}
        """
    }

    static func push(_ id: Int64, created: Int64) -> FeedEvent {
        FeedEvent(
            id: id, created: created,
            payload:
                "{\"push_id\":\(id),\"ref\":\"refs/heads/main\",\"head\":\"\(commit(id))\",\"before\":\"\(commit(id - 1))\"}"
        )
    }

    /// The same push, as a webhook tells it.
    static func webhook(push id: Int64, _ repository: String) -> String {
        """
        {"ref":"refs/heads/main","before":"\(commit(id - 1))","after":"\(commit(id))","commits":[],"head_commit":null,\
        "pusher":{"name":"mira"},"repository":{"id":7001,"node_id":"R_1","name":"till","full_name":"\(repository)",\
        "owner":{"login":"acorn"}},"sender":{"login":"mira","id":301,"node_id":"U_1","type":"User"}}
        """
    }

    static func json(_ delivery: HookDelivery, whole: Bool) -> String {
        let head = """
            {"id":\(delivery.id),"guid":"\(delivery.guid)","delivered_at":"\(time(delivery.at))","redelivery":false,"duration":0.2,\
            "status":"\(delivery.status == 200 ? "OK" : "failed to connect to host")","status_code":\(delivery.status),\
            "event":"\(delivery.event)","action":null,"installation_id":99,"repository_id":7001
            """
        guard whole else { return head + "}" }
        return head + """
            ,"request":{"headers":{"X-GitHub-Delivery":"\(delivery.guid)","X-GitHub-Event":"\(delivery.event)"},\
            "payload":\(delivery.payload)},"response":{"headers":{},"payload":null}}
            """
    }
}
