"""compose and Kubernetes: valid, and in agreement with the service."""

import re

import kubernetes_validate
import pytest
import yaml
from mica_service import ROOT

KUBERNETES = sorted((ROOT / "deploy/kubernetes").glob("*.yaml"))
# Kinds that Kubernetes itself does not have.
EXTENSIONS = {"Kustomization", "ScaledObject", "ServiceMonitor"}
VERSIONS = ["1.30", kubernetes_validate.latest_version()]


def documents(path):
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def one(name, kind):
    return next(document for document in documents(ROOT / "deploy/kubernetes" / name) if document["kind"] == kind)


def named(file, name):
    return next(each for each in documents(ROOT / "deploy/kubernetes" / file) if each["metadata"]["name"] == name)


@pytest.mark.parametrize("path", KUBERNETES, ids=lambda path: path.name)
def test_schema(path):
    """Each document is what Kubernetes says it is, without a member that it does not know."""
    for document in documents(path):
        if document["kind"] in EXTENSIONS:
            assert document["apiVersion"] and (document["kind"] == "Kustomization" or document["spec"])
        else:
            for version in VERSIONS:
                kubernetes_validate.validate(document, version, strict=True)
        assert document["kind"] in ("Kustomization", "Namespace") or document["metadata"]["namespace"] == "mica"


def test_all_files_are_named():
    """Each file is one of kustomization.yaml's resources, or proposed there in a comment."""
    text = (ROOT / "deploy/kubernetes/kustomization.yaml").read_text()
    names = [path.name for path in KUBERNETES if path.name != "kustomization.yaml"]
    assert [name for name in names if f"- {name}" not in text] == []
    listed = yaml.safe_load(text)["resources"]
    assert set(listed) <= set(names)


def test_pods():
    """Probes, rights and times of the instances."""
    pod = one("statefulset.yaml", "StatefulSet")["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert container["startupProbe"]["httpGet"]["path"] == "/livez"
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert pod["securityContext"]["runAsNonRoot"] and container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
    options = one("configmap.yaml", "ConfigMap")["data"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts["state"] == options["MICA_STATE_FOLDER"]
    before = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    stopping = before + int(options["MICA_DRAIN_SECONDS"]) + int(options["MICA_SHUTDOWN_GRACE_SECONDS"])
    assert stopping < pod["terminationGracePeriodSeconds"]


def test_volume():
    """It holds all results and all pictures of a full line, and half a GiB besides."""
    options = yaml.safe_load((ROOT / "config/mica.yaml").read_text())
    options |= {
        name.removeprefix("MICA_").lower(): value for name, value in one("configmap.yaml", "ConfigMap")["data"].items()}
    kept = int(options["result_limit_mib"]) + int(options["queue_length"]) * int(options["body_limit_mib"])
    [claim] = one("statefulset.yaml", "StatefulSet")["spec"]["volumeClaimTemplates"]
    size = claim["spec"]["resources"]["requests"]["storage"]
    assert size.endswith("Gi")
    assert kept + 512 <= int(size.removesuffix("Gi")) * 1024


def test_splits_are_asked_of_the_next():
    """A POST that splits a layer goes on at 404, by nginx and by the ingress, and nothing else does that is a POST."""
    names = ("mica", "mica-splits")
    ingress = {name: named("ingress.yaml", name) for name in names}
    path = ingress["mica-splits"]["spec"]["rules"][0]["http"]["paths"][0]["path"]
    text = (ROOT / "deploy/nginx/mica.conf").read_text()
    blocks = re.findall(r"location ~ (\S+) \{([^}]*)\}", text)
    [pattern] = [pattern for pattern, block in blocks if "non_idempotent" in block]
    for expression in (path, pattern):
        assert re.match(expression, "/v1/jobs/AAAAAAAAAAAAAAAAAAAAAA/layers/12/layers")
        assert not re.match(expression, "/v1/jobs/AAAAAAAAAAAAAAAAAAAAAA/layers/12.png")
        assert not re.match(expression, "/v1/jobs")
    assert text.count("http_404 non_idempotent") == text.count("non_idempotent") == 1
    prefix = "nginx.ingress.kubernetes.io/"
    policies = {name: one["metadata"]["annotations"][prefix + "proxy-next-upstream"] for name, one in ingress.items()}
    assert {name for name, policy in policies.items() if "non_idempotent" in policy} == {"mica-splits"}
    assert all("http_404" in policy for policy in policies.values())
    for name in ("proxy-body-size", "proxy-read-timeout", "proxy-next-upstream-tries"):
        assert len({one["metadata"]["annotations"][prefix + name] for one in ingress.values()}) == 1


def test_ingress_hides_metrics():
    """As nginx and HAProxy do; all rules are for one host."""
    metrics = named("ingress.yaml", "mica-metrics")
    denied = metrics["metadata"]["annotations"]["nginx.ingress.kubernetes.io/denylist-source-range"]
    assert denied.split(",") == ["0.0.0.0/0", "::/0"]
    assert [path["path"] for path in metrics["spec"]["rules"][0]["http"]["paths"]] == ["/metrics"]
    rules = [rule for one in documents(ROOT / "deploy/kubernetes/ingress.yaml") for rule in one["spec"]["rules"]]
    assert len(rules) == 3 and len({rule["host"] for rule in rules}) == 1


def test_scaling():
    """Who applies the files anew does not undo what the autoscaler has decided."""
    assert "replicas" not in one("statefulset.yaml", "StatefulSet")["spec"]
    for name, kind, least in (
        ("autoscaler.yaml", "HorizontalPodAutoscaler", "minReplicas"), ("keda.yaml", "ScaledObject", "minReplicaCount"),
    ):
        assert one(name, kind)["spec"][least] == 2


def test_options_exist():
    """Each MICA_ variable in deploy/ and the Dockerfile is an option of the service, or says where models are."""
    configuration = yaml.safe_load((ROOT / "config/mica.yaml").read_text())
    named = {f"MICA_{name.upper()}" for name in configuration} | {"MICA_CONFIG", "MICA_MODELS"}
    used = set(one("configmap.yaml", "ConfigMap")["data"])
    for service in yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"].values():
        used |= {name for name in service.get("environment", {}) if name.startswith("MICA_")}
    words = (ROOT / "Dockerfile").read_text().split()
    used |= {word.split("=")[0] for word in words if word.startswith("MICA_")}
    assert used - named == set()


def test_user_of_the_image():
    """Kubernetes runs the image as the user and group that it was made for."""
    security = one("statefulset.yaml", "StatefulSet")["spec"]["template"]["spec"]["securityContext"]
    user, group = security["runAsUser"], security["runAsGroup"]
    text = (ROOT / "Dockerfile").read_text()
    assert f"USER {user}:{group}\n" in text
    assert f"groupadd --gid {group} " in text and f"useradd --uid {user} --gid {group} " in text
    assert f"install -d -o {user} -g {group} " in text


def test_pull():
    """The Job that fetches a model has the rights of the service's pods, and puts it into the volume that they mount."""
    pod = one("pull.yaml", "Job")["spec"]["template"]["spec"]
    container = pod["containers"][0]
    instances = one("statefulset.yaml", "StatefulSet")["spec"]["template"]["spec"]
    assert pod["securityContext"] == instances["securityContext"]
    assert container["securityContext"] == instances["containers"][0]["securityContext"]
    folder = next(each["value"] for each in container["env"] if each["name"] == "MICA_MODELS")
    assert folder in [mount["mountPath"] for mount in container["volumeMounts"]]
    model = f"{folder}/{container['args'][1]}"
    for file in ("kubernetes/configmap.yaml", "compose.yaml"):
        assert f"# MICA_MODEL: {model}" in (ROOT / "deploy" / file).read_text()


def test_what_goes_into_the_image():
    """The build is sent what the Dockerfile copies, and nothing else."""
    copied = set()
    for line in (ROOT / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY ") and "--from=" not in line:
            copied |= set(line.split()[1:-1])
    assert all((ROOT / path).exists() for path in copied)
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    everything, *exceptions = [line for line in lines if not line.startswith("#")]
    assert everything == "*"
    assert sorted(exceptions) == sorted(f"!{path}" for path in copied)


def test_dependencies_are_exact():
    """An image of tomorrow has the packages of today: Package.resolved is not in the repository."""
    packages = re.findall(r"\.package\(url: [^)]*\)", (ROOT / "Package.swift").read_text())
    assert packages
    assert [package for package in packages if not re.search(r' exact: "\d+\.\d+\.\d+"\)$', package)] == []


def test_compose():
    """Two instances with volumes of their own, at the addresses that HAProxy's configuration names."""
    compose = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())
    services = compose["services"]
    volumes = [volume.split(":")[0] for name in ("mica", "mica-1", "mica-2") for volume in services[name]["volumes"]]
    assert sorted(volumes) == sorted(compose["volumes"])
    options = yaml.safe_load((ROOT / "config/mica.yaml").read_text())
    stopping = options["drain_seconds"] + options["shutdown_grace_seconds"]
    haproxy = (ROOT / "deploy/haproxy/haproxy.cfg").read_text()
    nginx = (ROOT / "deploy/nginx/mica.conf").read_text()
    for name in ("mica-1", "mica-2"):
        address = services[name]["networks"]["balanced"]["ipv4_address"]
        assert f"{address}:8080" in haproxy and f"{address}:8080" in nginx
        assert services[name]["read_only"] and services[name]["cap_drop"] == ["ALL"]
        assert int(services[name]["stop_grace_period"].removesuffix("s")) > stopping
    # No log grows for ever.
    assert {service["logging"]["driver"] for service in services.values()} == {"local"}
