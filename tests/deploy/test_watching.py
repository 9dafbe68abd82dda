"""Alerts, their runbook and the dashboard: each metric exists with these labels, each alert has its page."""

import json
import re
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from prometheus_client import Counter, Gauge, Histogram

from gateway.node.exposition import UP
from gateway.setup.metrics import Metrics
from tests.deploy.street import DEPLOY, ROOT

RUNBOOK = ROOT / "docs" / "runbook"
SCRAPED = {"job", "instance", "role", "node", "worker"}
"""Labels that prometheus.yaml gives, and that a node of several workers adds."""
SECTIONS = ["What fans see", "What to look at", "What to do"]
SELECTOR = re.compile(r"\b(liveroom_\w+|up)\b(?:\{([^}]*)\})?")
WORD = re.compile(r"(\w+)\s*(?:=~|!=|!~|=)")


def metrics() -> dict[str, set[str]]:
    """Every name that a query may use, with its labels."""
    found: dict[str, set[str]] = {"up": set(), UP: set()}
    for metric in vars(Metrics()).values():
        if isinstance(metric, Counter):
            found[f"{metric._name}_total"] = set(metric._labelnames)
        elif isinstance(metric, Histogram):
            found |= {f"{metric._name}_{part}": {*metric._labelnames, "le"} for part in ("bucket", "sum", "count")}
        elif isinstance(metric, Gauge):
            found[metric._name] = set(metric._labelnames)
    return found


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    dashboard = json.loads((DEPLOY / "grafana" / "liveroom.json").read_text("utf-8"))
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def queries() -> list[str]:
    shown = [target["expr"] for panel in panels() for target in panel["targets"]]
    return [*(rule["expr"] for rule in rules()), *shown]


@pytest.mark.parametrize("query", sorted(set(queries())))
def test_a_query_asks_for_metrics_and_labels_that_there_are(query: str) -> None:
    known = metrics()
    asked = SELECTOR.findall(query)
    assert asked
    labels: set[str] = set()
    for name, matchers in asked:
        assert name in known, name
        assert set(WORD.findall(matchers)) <= known[name] | SCRAPED, query
        labels |= known[name]
    grouped = {
        word.strip() for group in re.findall(r"\b(?:by|without) \(([^)]*)\)", query) for word in group.split(",")
    }
    assert grouped <= labels | SCRAPED, query


def test_a_name_that_is_no_metric_would_be_found() -> None:
    assert [name for name, _ in SELECTOR.findall("sum(liveroom_sokets) > up")] == ["liveroom_sokets", "up"]
    assert "liveroom_sokets" not in metrics()


def test_every_metric_is_on_the_dashboard() -> None:
    shown = {name for query in queries() for name, _ in SELECTOR.findall(query)}
    histograms = {name for name in metrics() if name.endswith(("_sum", "_count"))}
    assert set(metrics()) - histograms - shown == set()


def test_panels_do_not_lie_on_each_other_and_send_to_pages_that_are_there() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
        for page in re.findall(r"docs/runbook/\w+\.md", panel["description"]):
            assert (ROOT / page).is_file(), page


def test_alerts_and_pages_of_the_runbook_match_one_to_one() -> None:
    named = {rule["alert"]: rule["annotations"]["runbook"] for rule in rules()}
    assert all(page == f"docs/runbook/{alert}.md" for alert, page in named.items())
    assert {page.stem for page in RUNBOOK.glob("*.md")} - {"README"} == set(named)
    listed = re.findall(r"^\| \[(\w+)\]", (RUNBOOK / "README.md").read_text("utf-8"), re.MULTILINE)
    assert listed == list(named)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_a_page_says_what_it_means_what_fans_see_what_to_look_at_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]
    text = (RUNBOOK / f"{rule['alert']}.md").read_text("utf-8")
    title, *sections = re.split(r"^#+ ", text, flags=re.MULTILINE)[1:]
    assert title.splitlines()[0] == rule["alert"]
    assert len(title.split()) > 10, "what it means"
    assert [section.splitlines()[0] for section in sections] == SECTIONS
    named = set(re.findall(r"\bliveroom_\w+", text))
    families = {name.removesuffix("_bucket") for name in metrics()}
    assert named <= set(metrics()) | families, named


def test_prometheus_gives_the_roles_that_alerts_ask_for() -> None:
    configuration = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yaml").read_text("utf-8"))
    (job,) = configuration["scrape_configs"]
    given = {target["labels"]["role"] for target in job["static_configs"]}
    asked = {role for rule in rules() for role in re.findall(r'role="(\w+)"', rule["expr"])}
    assert asked == given == {"gateway", "presale", "worker"}
    assert set(re.findall(r'job="(\w+)"', " ".join(queries()))) == {job["job_name"]}
